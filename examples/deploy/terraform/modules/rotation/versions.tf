terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # The first with `region` on every resource, which the endpoints of replicas need.
      version = ">= 6.0"
    }
  }
}
