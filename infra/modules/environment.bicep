// Where the hosts run. Their logs go to the workspace without a shared key.
param location string
param tags object
param token string
param zoneRedundant bool
param subnetId string
param workspaceId string
param publicUrl string

resource environment 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: 'cae-${token}'
  location: location
  tags: tags
  properties: {
    zoneRedundant: zoneRedundant
    vnetConfiguration: { infrastructureSubnetId: subnetId, internal: false }
    workloadProfiles: [{ name: 'Consumption', workloadProfileType: 'Consumption' }]
    peerAuthentication: { mtls: { enabled: true } }
    appLogsConfiguration: { destination: 'azure-monitor' }
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: environment
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

output id string = environment.id
output publicUrl string = empty(publicUrl) ? 'https://charter.${environment.properties.defaultDomain}' : publicUrl
