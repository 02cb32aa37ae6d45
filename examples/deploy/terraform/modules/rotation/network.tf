locals {
  endpoint = try(var.vpc.endpoint, false)

  # Who may use the endpoint, under names that are known before anything is made.
  endpoint_clients = local.endpoint ? merge(
    { function = aws_security_group.function[0].id },
    { for index, group in var.vpc.endpoint_clients : "client-${index}" => group },
  ) : {}

  replica_endpoints = { for region, replica in var.replicas : region => replica.endpoint if replica.endpoint != null }
  replica_clients = merge([
    for region, endpoint in local.replica_endpoints : {
      for index, group in endpoint.clients : "${region}-${index}" => { region = region, group = group }
    }
  ]...)
}

resource "aws_security_group" "function" {
  count = var.vpc == null ? 0 : 1

  name        = var.name
  description = "Rotation function ${var.name}"
  vpc_id      = var.vpc.vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_egress_rule" "target" {
  count = try(var.vpc.target, null) == null ? 0 : 1

  security_group_id            = aws_security_group.function[0].id
  description                  = "The database"
  referenced_security_group_id = var.vpc.target.security_group_id
  ip_protocol                  = "tcp"
  from_port                    = var.vpc.target.port
  to_port                      = var.vpc.target.port
}

resource "aws_vpc_security_group_ingress_rule" "target" {
  count = try(var.vpc.target, null) == null ? 0 : 1

  security_group_id            = var.vpc.target.security_group_id
  description                  = "Rotation function ${var.name}"
  referenced_security_group_id = aws_security_group.function[0].id
  ip_protocol                  = "tcp"
  from_port                    = var.vpc.target.port
  to_port                      = var.vpc.target.port
}

resource "aws_vpc_security_group_egress_rule" "https" {
  for_each = toset(try(var.vpc.https_egress, []))

  security_group_id = aws_security_group.function[0].id
  description       = "HTTPS"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "endpoint" {
  count = local.endpoint ? 1 : 0

  security_group_id            = aws_security_group.function[0].id
  description                  = "Secrets Manager"
  referenced_security_group_id = aws_security_group.endpoint[0].id
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_security_group" "endpoint" {
  count = local.endpoint ? 1 : 0

  name        = "${var.name}-secretsmanager"
  description = "Endpoint of Secrets Manager"
  vpc_id      = var.vpc.vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_ingress_rule" "endpoint" {
  for_each = local.endpoint_clients

  security_group_id            = aws_security_group.endpoint[0].id
  description                  = each.key
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_endpoint" "secretsmanager" {
  count = local.endpoint ? 1 : 0

  vpc_id              = var.vpc.vpc_id
  service_name        = "com.amazonaws.${local.region}.secretsmanager"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = var.vpc.subnet_ids
  security_group_ids  = [aws_security_group.endpoint[0].id]
  tags                = var.tags
}

resource "aws_security_group" "replica" {
  for_each = local.replica_endpoints

  region      = each.key
  name        = "${var.name}-secretsmanager"
  description = "Endpoint of Secrets Manager"
  vpc_id      = each.value.vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_ingress_rule" "replica" {
  for_each = local.replica_clients

  region                       = each.value.region
  security_group_id            = aws_security_group.replica[each.value.region].id
  description                  = "Consumers"
  referenced_security_group_id = each.value.group
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
}

resource "aws_vpc_endpoint" "replica" {
  for_each = local.replica_endpoints

  region              = each.key
  vpc_id              = each.value.vpc_id
  service_name        = "com.amazonaws.${each.key}.secretsmanager"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = each.value.subnet_ids
  security_group_ids  = [aws_security_group.replica[each.key].id]
  tags                = var.tags
}
