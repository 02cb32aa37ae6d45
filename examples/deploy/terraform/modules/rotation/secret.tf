data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}
data "aws_region" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  region    = data.aws_region.this.region

  replica_key_arns = compact([for replica in var.replicas : replica.kms_key_arn])
}

# There is no aws_secretsmanager_secret_version here, and must not be: it would be made anew, with the old value as
# AWSCURRENT, once Secrets Manager has purged the version that Terraform remembers. See the README.
resource "aws_secretsmanager_secret" "this" {
  name                    = var.secret.name
  description             = var.secret.description
  kms_key_id              = var.secret.kms_key_arn
  recovery_window_in_days = var.secret.recovery_window_days
  tags                    = merge(var.tags, var.secret.tags)

  dynamic "replica" {
    for_each = var.replicas
    content {
      region     = replica.key
      kms_key_id = replica.value.kms_key_arn
    }
  }
}

# RotateSecret asks whether the function may be invoked, and a dry run begins at once: everything that a step needs
# comes before.
resource "aws_secretsmanager_secret_rotation" "this" {
  count = var.schedule == null ? 0 : 1

  secret_id           = aws_secretsmanager_secret.this.id
  rotation_lambda_arn = aws_lambda_function.this.arn
  rotate_immediately  = var.schedule.rotate_immediately

  rotation_rules {
    automatically_after_days = var.schedule.days
    schedule_expression      = var.schedule.expression
    duration                 = var.schedule.window
  }

  depends_on = [
    aws_lambda_permission.secretsmanager,
    aws_iam_role_policy.rotate,
    aws_vpc_endpoint.secretsmanager,
    aws_vpc_security_group_ingress_rule.endpoint,
    aws_vpc_security_group_egress_rule.endpoint,
    aws_vpc_security_group_egress_rule.https,
    aws_vpc_security_group_ingress_rule.target,
    aws_vpc_security_group_egress_rule.target,
  ]
}
