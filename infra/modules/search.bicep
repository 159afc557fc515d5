// Azure AI Search with its semantic ranker, without keys and without a public network.
param location string
param tags object
param token string
param zoneRedundant bool
param hostPrincipalId string
param workspaceId string
param endpointsSubnetId string
param zoneId string

var searchServiceContributor = '7ca78c08-252a-4471-8644-bb5ff32d4ba0' // Search Service Contributor
var searchIndexDataContributor = '8ebe5a00-799e-43f5-93ac-243d3dce84a7' // Search Index Data Contributor

resource service 'Microsoft.Search/searchServices@2025-05-01' = {
  name: 'srch-${token}'
  location: location
  tags: tags
  sku: { name: 'standard' }
  properties: {
    replicaCount: zoneRedundant ? 3 : 1
    partitionCount: 1
    semanticSearch: 'standard'
    disableLocalAuth: true
    publicNetworkAccess: 'disabled'
    networkRuleSet: { bypass: 'None' }
  }
}

resource keeps 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(service.id, hostPrincipalId, searchIndexDataContributor)
  scope: service
  properties: {
    principalId: hostPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', searchIndexDataContributor)
  }
}

// The host makes its indexes and turns their alias. No narrower role of Azure's own allows that.
resource defines 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(service.id, hostPrincipalId, searchServiceContributor)
  scope: service
  properties: {
    principalId: hostPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', searchServiceContributor)
  }
}

module endpoint 'endpoint.bicep' = {
  name: 'search-endpoint'
  params: {
    location: location
    tags: tags
    name: service.name
    serviceId: service.id
    door: 'searchService'
    subnetId: endpointsSubnetId
    zoneId: zoneId
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: service
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

output endpoint string = 'https://${service.name}.search.windows.net'
