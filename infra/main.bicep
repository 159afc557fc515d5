// Everything that Charter's azure profile needs, except the host itself: that is charter.bicep, applied by `azd deploy`.
targetScope = 'subscription'

@minLength(1)
@maxLength(32)
@description('Name of the azd environment. It names the resource group and, hashed, the resources.')
param environmentName string

@minLength(1)
@description('Region of all resources.')
param location string

@description('Address that people see, if it is one of your own (https://charter.contoso.example); empty: the one Azure gives.')
param publicUrl string

@description('Two of everything in different zones of the region.')
param zoneRedundant bool

@description('Azure AI Search, for knowledge. Without it the knowledge stays in PostgreSQL.')
param search bool

@description('Days that logs and deleted secrets are kept.')
@minValue(30)
@maxValue(90)
param retentionDays int

var token = uniqueString(subscription().id, environmentName, location)
var tags = { 'azd-env-name': environmentName }

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identities 'modules/identities.bicep' = {
  name: 'identities'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
  }
}

module network 'modules/network.bicep' = {
  name: 'network'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
  }
}

module observability 'modules/observability.bicep' = {
  name: 'observability'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    retentionDays: retentionDays
    hostPrincipalId: identities.outputs.hostPrincipalId
  }
}

module registry 'modules/registry.bicep' = {
  name: 'registry'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    hostPrincipalId: identities.outputs.hostPrincipalId
    workspaceId: observability.outputs.workspaceId
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    retentionDays: retentionDays
    hostPrincipalId: identities.outputs.hostPrincipalId
    workspaceId: observability.outputs.workspaceId
    endpointsSubnetId: network.outputs.endpointsSubnetId
    zoneId: network.outputs.vaultZoneId
  }
}

module database 'modules/database.bicep' = {
  name: 'database'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    zoneRedundant: zoneRedundant
    subnetId: network.outputs.databaseSubnetId
    zoneId: network.outputs.databaseZoneId
    migrationsPrincipalId: identities.outputs.migrationsPrincipalId
    migrationsName: identities.outputs.migrationsName
    workspaceId: observability.outputs.workspaceId
  }
}

module models 'modules/models.bicep' = {
  name: 'models'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    hostPrincipalId: identities.outputs.hostPrincipalId
    workspaceId: observability.outputs.workspaceId
    endpointsSubnetId: network.outputs.endpointsSubnetId
    zoneId: network.outputs.modelsZoneId
  }
}

module searching 'modules/search.bicep' = if (search) {
  name: 'search'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    zoneRedundant: zoneRedundant
    hostPrincipalId: identities.outputs.hostPrincipalId
    workspaceId: observability.outputs.workspaceId
    endpointsSubnetId: network.outputs.endpointsSubnetId
    zoneId: network.outputs.searchZoneId
  }
}

module environment 'modules/environment.bicep' = {
  name: 'environment'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    zoneRedundant: zoneRedundant
    subnetId: network.outputs.hostsSubnetId
    workspaceId: observability.outputs.workspaceId
    publicUrl: publicUrl
  }
}

// What charter.parameters.json and the two scripts read from the azd environment. Names and addresses, no secrets.
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = registry.outputs.endpoint
output AZURE_KEY_VAULT_ID string = vault.outputs.id
output CHARTER_ENVIRONMENT_ID string = environment.outputs.id
output CHARTER_PUBLIC_URL string = environment.outputs.publicUrl
output CHARTER_HOST_IDENTITY string = identities.outputs.hostName
output CHARTER_HOST_PRINCIPAL_ID string = identities.outputs.hostPrincipalId
output CHARTER_MIGRATIONS_IDENTITY string = identities.outputs.migrationsName
output CHARTER_DATABASE_HOST string = database.outputs.host
output CHARTER_DATABASE_NAME string = database.outputs.name
output CHARTER_VAULT_URL string = vault.outputs.url
output CHARTER_MODELS_ENDPOINT string = models.outputs.endpoint
output CHARTER_SEARCH_ENDPOINT string = search ? searching!.outputs.endpoint : ''
output CHARTER_INSIGHTS string = observability.outputs.insightsName
