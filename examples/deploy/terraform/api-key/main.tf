# An API key of a vendor, rotated every 30 days by api-key-rotator.

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
  description = "What cargo lambda built."
  type        = string
  default     = "../../../../target/lambda/api-key-rotator/bootstrap.zip"
}

variable "admin_secret_arn" {
  description = "ARN of the secret that holds the vendor's admin token."
  type        = string
}

module "rotation" {
  source = "../modules/rotation"

  name    = "api-key-rotator"
  package = var.package
  secret  = { name = "crm/api-key" }

  superuser_secret = { arn = var.admin_secret_arn }
  environment = {
    ADMIN_SECRET_ARN  = var.admin_secret_arn
    ALLOWED_API_HOSTS = "api.vendor.com"
  }

  schedule = var.rotate ? { days = 30 } : null
}

module "alarms" {
  source = "../modules/alarms"

  emails = ["on-call@example.com"]
  secrets = {
    api-key = {
      arn            = module.rotation.secret_arn
      function_name  = module.rotation.function_name
      interval_hours = 30 * 24
      backend        = "http-api-key"
    }
  }
}

output "secret_arn" {
  value = module.rotation.secret_arn
}
