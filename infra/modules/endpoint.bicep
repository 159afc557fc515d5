// The only door of a service that has no public network.
param location string
param tags object

@description('Name of the service, which the endpoint is called by.')
param name string
param serviceId string

@description('Which of the service\'s doors: vault, account, searchService.')
param door string
param subnetId string
param zoneId string

resource endpoint 'Microsoft.Network/privateEndpoints@2024-07-01' = {
  name: 'pe-${name}'
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      {
        name: door
        properties: {
          privateLinkServiceId: serviceId
          groupIds: [door]
        }
      }
    ]
  }
}

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [{ name: door, properties: { privateDnsZoneId: zoneId } }]
  }
}
