// The host. `azd deploy` applies this after the image is built: configuration and image come as one revision.
@description('The image that azd has just built.')
param image string

param location string
param environmentName string
param environmentId string
param registry string

@description('Address that people see.')
param publicUrl string

@description('Bindings of your own domain, as the app has them. A deploy without them would take them off.')
param domains array

@description('Names of the host\'s identity and of the one that owns the database\'s schema.')
param hostIdentity string
param migrationsIdentity string

@description('The app registration, as infra/registrations.py made it.')
param clientId string

@description('Entra tenant to tenant of Charter, and which of the latter is the operators\' own.')
param tenants object
param home string

@description('Agents with a registration of their own, as infra/registrations.py prints them.')
param agents object

param databaseHost string
param databaseName string
param vaultUrl string
param modelsEndpoint string
param insights string

@description('Where passages are kept. For azure_ai_search the search service must be deployed.')
@allowed(['pgvector', 'azure_ai_search'])
param knowledgeStore string
param searchEndpoint string

@description('Address of each plugin\'s business system.')
param pluginUrls object

@description('The door of Teams, and its bot. infra/registrations.py must have been run with --teams before.')
param teams bool

@minValue(2)
param replicas int

@minValue(2)
param mostReplicas int

var port = 3978
var connection = 'charter'
var data = '/var/charter'
var models = loadJsonContent('models.json')
var databasePlace = '${databaseHost}:5432/${databaseName}?sslmode=require'

resource host 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: hostIdentity
}

resource migrations 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: migrationsIdentity
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insights
}

resource app 'Microsoft.App/containerApps@2025-01-01' = {
  name: 'charter'
  location: location
  tags: { 'azd-env-name': environmentName, 'azd-service-name': 'charter' }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${host.id}': {}
      '${migrations.id}': {}
    }
  }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      maxInactiveRevisions: 10
      ingress: {
        external: true
        allowInsecure: false
        targetPort: port
        transport: 'http'
        customDomains: domains
      }
      registries: [{ server: registry, identity: host.id }]
      // The platform gives the schema's owner to the container that migrates, and to nobody afterwards.
      identitySettings: [
        { identity: host.id, lifecycle: 'Main' }
        { identity: migrations.id, lifecycle: 'Init' }
      ]
    }
    template: {
      terminationGracePeriodSeconds: 30
      initContainers: [
        {
          name: 'migrate'
          image: image
          args: ['migrate']
          resources: { cpu: json('0.5'), memory: '1Gi' }
          env: [
            { name: 'CHARTER_PROFILE', value: 'azure' }
            { name: 'CHARTER_DATABASE__URL', value: 'postgresql://${hostIdentity}@${databasePlace}' }
            { name: 'CHARTER_DATABASE__OWNER_URL', value: 'postgresql://${migrationsIdentity}@${databasePlace}' }
            { name: 'CHARTER_DATABASE__ENTRA', value: 'true' }
            { name: 'CHARTER_IDENTITY__CREDENTIAL', value: 'managed_identity' }
            { name: 'CHARTER_IDENTITY__MANAGED_IDENTITY', value: migrations.properties.clientId }
          ]
        }
      ]
      containers: [
        {
          name: 'charter'
          image: image
          resources: { cpu: json('2.0'), memory: '4Gi' }
          volumeMounts: [{ volumeName: 'data', mountPath: data }]
          probes: [
            {
              type: 'Startup'
              httpGet: { path: '/healthz', port: port, scheme: 'HTTP' }
              periodSeconds: 2
              failureThreshold: 60
            }
            {
              type: 'Liveness'
              httpGet: { path: '/healthz', port: port, scheme: 'HTTP' }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 3
            }
            {
              type: 'Readiness'
              httpGet: { path: '/readyz', port: port, scheme: 'HTTP' }
              periodSeconds: 5
              timeoutSeconds: 5
              failureThreshold: 2
            }
          ]
          env: [
            { name: 'CHARTER_PROFILE', value: 'azure' }
            { name: 'CHARTER_HOST', value: '0.0.0.0' }
            { name: 'CHARTER_PORT', value: string(port) }
            { name: 'CHARTER_DATA_DIR', value: data }
            { name: 'CHARTER_RELOAD', value: 'false' }
            { name: 'CHARTER_EMBEDDED_MODEL', value: 'off' }
            { name: 'CHARTER_SESSION_KEY', value: 'keyvault:charter-session-key' }
            { name: 'CHARTER_SECRETS__VAULT_URL', value: vaultUrl }
            { name: 'CHARTER_DATABASE__URL', value: 'postgresql://${hostIdentity}@${databasePlace}' }
            { name: 'CHARTER_DATABASE__ENTRA', value: 'true' }
            { name: 'CHARTER_IDENTITY__AUTHORITY', value: 'https://login.microsoftonline.com' }
            { name: 'CHARTER_IDENTITY__GRAPH', value: 'https://graph.microsoft.com' }
            { name: 'CHARTER_IDENTITY__CLIENT_ID', value: clientId }
            { name: 'CHARTER_IDENTITY__AUDIENCE', value: 'api://${clientId}' }
            { name: 'CHARTER_IDENTITY__TENANTS', value: string(tenants) }
            { name: 'CHARTER_IDENTITY__HOME', value: home }
            { name: 'CHARTER_IDENTITY__AGENTS', value: string(agents) }
            { name: 'CHARTER_IDENTITY__CREDENTIAL', value: 'managed_identity' }
            { name: 'CHARTER_IDENTITY__MANAGED_IDENTITY', value: host.properties.clientId }
            { name: 'CHARTER_MODELS', value: replace(string(models.settings), '{endpoint}', modelsEndpoint) }
            { name: 'CHARTER_COSTS__CURRENCY', value: models.currency }
            { name: 'CHARTER_KNOWLEDGE__STORE', value: knowledgeStore }
            { name: 'CHARTER_KNOWLEDGE__AZURE_AI_SEARCH__ENDPOINT', value: searchEndpoint }
            { name: 'CHARTER_PLUGIN_URLS', value: string(pluginUrls) }
            { name: 'CHARTER_HTTP__PUBLIC_URL', value: publicUrl }
            { name: 'CHARTER_TELEMETRY__AZURE_MONITOR', value: component.properties.ConnectionString }
            { name: 'CHARTER_TEAMS__ENABLED', value: string(teams) }
            { name: 'CHARTER_TEAMS__CONNECTION', value: connection }
          ]
        }
      ]
      volumes: [{ name: 'data', storageType: 'EmptyDir' }]
      scale: {
        minReplicas: replicas
        maxReplicas: mostReplicas
        rules: [{ name: 'requests', http: { metadata: { concurrentRequests: '50' } } }]
      }
    }
  }
}

module bot 'modules/bot.bicep' = if (teams) {
  name: 'bot'
  params: {
    environmentName: environmentName
    clientId: clientId
    tenantId: tenant().tenantId
    publicUrl: publicUrl
    connection: connection
  }
}

output SERVICE_CHARTER_NAME string = app.name
output SERVICE_CHARTER_URI string = 'https://${app.properties.configuration.ingress.fqdn}'
