// Azure OpenAI, without keys and without a public network. Which models: models.json, which the host's settings are made from, too.
param location string
param tags object
param token string
param hostPrincipalId string
param workspaceId string
param endpointsSubnetId string
param zoneId string

var models = loadJsonContent('../models.json')
var cognitiveServicesOpenAIUser = '5e0bd9bd-7b93-4f28-af87-36fc36ad61bd' // Cognitive Services OpenAI User

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' = {
  name: 'oai-${token}'
  location: location
  tags: tags
  kind: 'OpenAI'
  sku: { name: 'S0' }
  properties: {
    customSubDomainName: 'oai-${token}'
    disableLocalAuth: true
    publicNetworkAccess: 'Disabled'
    networkAcls: { defaultAction: 'Deny' }
  }
}

// The account takes one deployment at a time.
@batchSize(1)
resource deployments 'Microsoft.CognitiveServices/accounts/deployments@2025-06-01' = [for model in models.deployments: {
  parent: account
  name: model.name
  sku: { name: model.sku, capacity: model.capacity }
  properties: {
    model: { format: 'OpenAI', name: model.model, version: model.version }
    versionUpgradeOption: 'NoAutoUpgrade'
  }
}]

resource asks 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, hostPrincipalId, cognitiveServicesOpenAIUser)
  scope: account
  properties: {
    principalId: hostPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', cognitiveServicesOpenAIUser)
  }
}

module endpoint 'endpoint.bicep' = {
  name: 'models-endpoint'
  params: {
    location: location
    tags: tags
    name: account.name
    serviceId: account.id
    door: 'account'
    subnetId: endpointsSubnetId
    zoneId: zoneId
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: account
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'audit', enabled: true }]
  }
}

output endpoint string = account.properties.endpoint
