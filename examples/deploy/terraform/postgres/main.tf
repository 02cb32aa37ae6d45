# Two alternating PostgreSQL users in a VPC, rotated on Sundays by postgres-rotator: customer managed keys, a replica, a
# permissions boundary, and an endpoint of Secrets Manager in both Regions.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

provider "aws" {
  region = "eu-west-1"
}

variable "rotate" {
  description = "Set to true once the secret has its first value."
  type        = bool
  default     = false
}

variable "package" {
  description = "What cargo lambda built, with global-bundle.pem in it."
  type        = string
  default     = "../../../../target/lambda/postgres-rotator/bootstrap.zip"
}

variable "superuser_secret" {
  description = "The superuser's secret, and its key."
  type        = object({ arn = string, kms_key_arn = optional(string) })
}

variable "kms_key_arns" {
  description = "By Region, the key of the secret and of its replica."
  type        = map(string)
}

variable "network" {
  description = "By Region, the VPC, its private subnets, and the application's security groups."
  type        = map(object({ vpc_id = string, subnet_ids = list(string), clients = list(string) }))
}

variable "database_security_group_id" {
  description = "The database's security group, in eu-west-1."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "The policy that bounds every role of the account."
  type        = string
  default     = null
}

module "rotation" {
  source = "../modules/rotation"

  name    = "postgres-rotator"
  package = var.package
  secret = {
    name        = "crm/app"
    kms_key_arn = var.kms_key_arns["eu-west-1"]
    tags        = { team = "crm" }
  }

  superuser_secret = var.superuser_secret
  environment = {
    ROTATION_STRATEGY  = "alternating-users"
    POSTGRES_CA_BUNDLE = "global-bundle.pem"
  }

  vpc = {
    vpc_id           = var.network["eu-west-1"].vpc_id
    subnet_ids       = var.network["eu-west-1"].subnet_ids
    endpoint_clients = var.network["eu-west-1"].clients
    target           = { security_group_id = var.database_security_group_id }
  }

  replicas = {
    eu-central-1 = {
      kms_key_arn = var.kms_key_arns["eu-central-1"]
      endpoint    = var.network["eu-central-1"]
    }
  }

  permissions_boundary_arn = var.permissions_boundary_arn
  schedule                 = var.rotate ? { expression = "cron(0 3 ? * SUN *)", window = "3h" } : null
}

module "alarms" {
  source = "../modules/alarms"

  permissions_boundary_arn = var.permissions_boundary_arn
  emails                   = ["on-call@example.com"]
  trail                    = true
  secrets = {
    app = {
      arn            = module.rotation.secret_arn
      function_name  = module.rotation.function_name
      interval_hours = 7 * 24
      backend        = "postgres-alternating-users"
    }
  }
}

output "secret_arn" {
  value = module.rotation.secret_arn
}
