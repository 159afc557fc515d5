// How Teams reaches the host: the bot is the very application that the host is, and has no secret either.
param environmentName string
param clientId string
param tenantId string
param publicUrl string

@description('Name of the connection that gives people\'s tokens for the host. infra/registrations.py vouches for this very name.')
param connection string

var resourceUri = 'api://botid-${clientId}'
var provider = 'c00b44ab-5e16-c44c-af26-2fd5bc55eb18' // AAD v2 with Federated Credentials

resource bot 'Microsoft.BotService/botServices@2022-09-15' = {
  name: 'bot-charter-${uniqueString(resourceGroup().id)}'
  location: 'global'
  tags: { 'azd-env-name': environmentName }
  kind: 'azurebot'
  sku: { name: 'S1' }
  properties: {
    displayName: 'Charter'
    description: 'Agents for everyday work'
    endpoint: '${publicUrl}/api/messages'
    msaAppId: clientId
    msaAppType: 'SingleTenant'
    msaAppTenantId: tenantId
    disableLocalAuth: true
    isStreamingSupported: false
    // Teams comes from outside; what it sends must be signed by the Bot Framework.
    publicNetworkAccess: 'Enabled'
  }
}

resource teams 'Microsoft.BotService/botServices/channels@2022-09-15' = {
  parent: bot
  name: 'MsTeamsChannel'
  location: 'global'
  properties: {
    channelName: 'MsTeamsChannel'
    properties: { isEnabled: true, enableCalling: false, acceptedTerms: true }
  }
}

// The token service proves itself to Entra by a federated credential of the application, and no client secret is kept there.
resource signIn 'Microsoft.BotService/botServices/connections@2022-09-15' = {
  parent: bot
  name: connection
  location: 'global'
  properties: {
    serviceProviderId: provider
    serviceProviderDisplayName: 'AAD v2 with Federated Credentials'
    clientId: clientId
    scopes: '${resourceUri}/access_as_user'
    parameters: [
      { key: 'ClientId', value: clientId }
      { key: 'UniqueIdentifier', value: connection }
      { key: 'TokenExchangeUrl', value: resourceUri }
      { key: 'TenantId', value: tenantId }
    ]
  }
}
