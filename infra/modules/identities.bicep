// Who the host is to Azure. It has no secret: these identities are proved by the platform it runs on.
param location string
param tags object
param token string

resource host 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-charter-host-${token}'
  location: location
  tags: tags
}

// Owns the database's schema. Only the container that migrates, before the host starts, can be this identity.
resource migrations 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-charter-migrations-${token}'
  location: location
  tags: tags
}

output hostName string = host.name
output hostPrincipalId string = host.properties.principalId
output migrationsName string = migrations.name
output migrationsPrincipalId string = migrations.properties.principalId
