// One network: hosts, database and private endpoints in subnets of their own. Only the hosts' ingress faces the Internet.
param location string
param tags object
param token string

var hosts = '10.40.0.0/23'
var databases = '10.40.2.0/27'
var endpoints = '10.40.2.32/27'

resource databaseRules 'Microsoft.Network/networkSecurityGroups@2024-07-01' = {
  name: 'nsg-database-${token}'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'hosts'
        properties: {
          priority: 100
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefix: hosts
          sourcePortRange: '*'
          destinationAddressPrefix: databases
          destinationPortRange: '5432'
        }
      }
      {
        name: 'replication'
        properties: {
          priority: 110
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefix: databases
          sourcePortRange: '*'
          destinationAddressPrefix: databases
          destinationPortRange: '*'
        }
      }
      {
        name: 'nobody-else'
        properties: {
          priority: 4000
          direction: 'Inbound'
          access: 'Deny'
          protocol: '*'
          sourceAddressPrefix: 'VirtualNetwork'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}

resource endpointRules 'Microsoft.Network/networkSecurityGroups@2024-07-01' = {
  name: 'nsg-endpoints-${token}'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'hosts'
        properties: {
          priority: 100
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourceAddressPrefix: hosts
          sourcePortRange: '*'
          destinationAddressPrefix: endpoints
          destinationPortRange: '443'
        }
      }
      {
        name: 'nobody-else'
        properties: {
          priority: 4000
          direction: 'Inbound'
          access: 'Deny'
          protocol: '*'
          sourceAddressPrefix: 'VirtualNetwork'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: 'vnet-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.40.0.0/22'] }
    subnets: [
      {
        name: 'hosts'
        properties: {
          addressPrefix: hosts
          delegations: [{ name: 'hosts', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'database'
        properties: {
          addressPrefix: databases
          delegations: [{ name: 'database', properties: { serviceName: 'Microsoft.DBforPostgreSQL/flexibleServers' } }]
          networkSecurityGroup: { id: databaseRules.id }
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: endpoints
          privateEndpointNetworkPolicies: 'NetworkSecurityGroupEnabled'
          networkSecurityGroup: { id: endpointRules.id }
        }
      }
    ]
  }
}

// A zone's name is the service's own: within the network it resolves to the private endpoint.
var zoneNames = [
  'charter-${token}.private.postgres.database.azure.com'
  'privatelink.vaultcore.azure.net'
  'privatelink.openai.azure.com'
  'privatelink.search.windows.net'
]

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [for name in zoneNames: {
  name: name
  location: 'global'
  tags: tags
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (name, index) in zoneNames: {
  parent: zones[index]
  name: 'hosts'
  location: 'global'
  properties: {
    registrationEnabled: false
    virtualNetwork: { id: network.id }
  }
}]

output hostsSubnetId string = '${network.id}/subnets/hosts'
output databaseSubnetId string = '${network.id}/subnets/database'
output endpointsSubnetId string = '${network.id}/subnets/endpoints'
output databaseZoneId string = zones[0].id
output vaultZoneId string = zones[1].id
output modelsZoneId string = zones[2].id
output searchZoneId string = zones[3].id
