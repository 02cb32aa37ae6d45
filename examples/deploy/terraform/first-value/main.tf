# Stores the first value of a secret, once, where that cannot be done with the AWS CLI. A root of its own: apply it, and
# throw its state away. The value is an ephemeral variable and a write-only argument: it is in no plan and no state.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # The first with secret_string_wo is 5.88; the same as the other modules for one lock file.
      version = ">= 6.0"
    }
  }
}

variable "secret_arn" {
  description = "ARN of the secret, which exists and has no value yet."
  type        = string
}

variable "value" {
  description = "The first value. Give it as TF_VAR_value, from a file or a prompt, not on the command line."
  type        = string
  ephemeral   = true
  sensitive   = true
}

data "aws_secretsmanager_secret_versions" "existing" {
  secret_id          = var.secret_arn
  include_deprecated = true
}

resource "aws_secretsmanager_secret_version" "first" {
  secret_id                = var.secret_arn
  secret_string_wo         = var.value
  secret_string_wo_version = 1

  lifecycle {
    precondition {
      condition     = length(data.aws_secretsmanager_secret_versions.existing.versions) == 0
      error_message = "The secret has a value already, and this would replace what it has been rotated to. Nothing to do here: remove this root's state file."
    }
  }
}
