// PostgreSQL with pgvector, within the network. It knows no passwords: who connects shows a token of Entra.
param location string
param tags object
param token string
param zoneRedundant bool
param subnetId string
param zoneId string
param migrationsPrincipalId string
param migrationsName string
param workspaceId string

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2026-10-01' = {
  name: 'psql-${token}'
  location: location
  tags: tags
  sku: { name: 'Standard_D2ds_v5', tier: 'GeneralPurpose' }
  properties: {
    createMode: 'Create'
    version: '17'
    authConfig: {
      activeDirectoryAuth: 'Enabled'
      passwordAuth: 'Disabled'
      tenantId: tenant().tenantId
    }
    network: {
      publicNetworkAccess: 'Disabled'
      delegatedSubnetResourceId: subnetId
      privateDnsZoneArmResourceId: zoneId
    }
    storage: { storageSizeGB: 128, autoGrow: 'Enabled' }
    backup: { backupRetentionDays: 35, geoRedundantBackup: 'Disabled' }
    highAvailability: { mode: zoneRedundant ? 'ZoneRedundant' : 'Disabled' }
  }
}

// The server takes one change at a time, so each of these waits for the one before.
resource extensions 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2026-10-01' = {
  parent: server
  name: 'azure.extensions'
  properties: { value: 'VECTOR', source: 'user-override' }
}

resource transport 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2026-10-01' = {
  parent: server
  name: 'require_secure_transport'
  properties: { value: 'on', source: 'user-override' }
  dependsOn: [extensions]
}

resource tls 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2026-10-01' = {
  parent: server
  name: 'ssl_min_protocol_version'
  properties: { value: 'TLSv1.2', source: 'user-override' }
  dependsOn: [transport]
}

// Owns the schema and makes the host's role; the host itself is no administrator.
resource owner 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2026-10-01' = {
  parent: server
  name: migrationsPrincipalId
  properties: {
    principalType: 'ServicePrincipal'
    principalName: migrationsName
    tenantId: tenant().tenantId
  }
  dependsOn: [tls]
}

resource database 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2026-10-01' = {
  parent: server
  name: 'charter'
  properties: { charset: 'UTF8', collation: 'en_US.utf8' }
  dependsOn: [owner]
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: server
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
  }
}

output host string = server.properties.fullyQualifiedDomainName
output name string = database.name
