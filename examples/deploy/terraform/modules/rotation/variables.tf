variable "name" {
  description = "Name of the function, of its role and of its log group."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.name))
    error_message = "name must be 1 to 64 letters, digits, hyphens and underscores."
  }
}

variable "package" {
  description = "Path of the zip that `cargo lambda build --release --arm64 --output-format zip` made."
  type        = string
}

variable "environment" {
  description = "The function's environment variables. They can be read by whoever may read its configuration: no secrets."
  type        = map(string)
  default     = {}

  validation {
    condition     = !contains(keys(var.environment), "ADMIN_TOKEN")
    error_message = "environment has ADMIN_TOKEN, which would stand in the state and in the function's configuration; store the token in a secret, and set ADMIN_SECRET_ARN and superuser_secret."
  }
}

variable "secret" {
  description = <<-EOT
    The secret to rotate. Its value is never given here: see the README for the first one.
    kms_key_arn: a symmetric customer managed key; without, the key aws/secretsmanager of the account.
    recovery_window_days: how long a deleted secret can be restored, 7 to 30; 0 deletes at once.
    tags: also where the framework is told `rotation:grace` = `none`.
  EOT
  type = object({
    name                 = string
    description          = optional(string, "Rotated; its value is not managed by Terraform")
    kms_key_arn          = optional(string)
    recovery_window_days = optional(number, 30)
    tags                 = optional(map(string), {})
  })

  validation {
    condition     = var.secret.recovery_window_days == 0 || (var.secret.recovery_window_days >= 7 && var.secret.recovery_window_days <= 30)
    error_message = "secret.recovery_window_days must be 7 to 30, or 0."
  }
  validation {
    condition     = can(regex("^[A-Za-z0-9/_+=.@-]{1,512}$", var.secret.name))
    error_message = "secret.name must be 1 to 512 of A-Z a-z 0-9 / _ + = . @ -."
  }
}

variable "superuser_secret" {
  description = "The secret of the superuser or the provider's admin token, which the function reads and never writes. kms_key_arn: its key, if it is not aws/secretsmanager."
  type = object({
    arn         = string
    kms_key_arn = optional(string)
  })
  default = null

  validation {
    condition     = var.superuser_secret == null || can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+-[A-Za-z0-9]{6}$", var.superuser_secret.arn))
    error_message = "superuser_secret.arn must be the secret's whole ARN, with the six characters at its end; the role is granted exactly this one."
  }
}

variable "schedule" {
  description = <<-EOT
    When to rotate: days, or expression (`rate(10 days)`, `cron(0 3 ? * SUN *)`, in UTC; not more often than every four hours),
    with the window in which it may begin (`3h`). null: not yet. Leave it null until the secret has its first value.
    rotate_immediately: rotate when the schedule is made and whenever it changes, instead of a dry run.
  EOT
  type = object({
    days               = optional(number)
    expression         = optional(string)
    window             = optional(string)
    rotate_immediately = optional(bool, false)
  })
  default = null

  validation {
    condition     = var.schedule == null || (try(var.schedule.days, null) == null) != (try(var.schedule.expression, null) == null)
    error_message = "schedule needs either days or expression, not both."
  }
}

variable "timeout" {
  description = "Seconds that a step gets. Above the sum of the backend's own limits, which docs/deploying.md adds up; a step that will not make it fails a second earlier, and says what it was doing."
  type        = number
  default     = 180

  validation {
    condition     = var.timeout >= 60 && var.timeout <= 900
    error_message = "timeout must be 60 to 900: with less, a slow answer of the database or provider ends a step that would have passed."
  }
}

variable "memory" {
  description = "MB of the function. It needs 10; more buys CPU."
  type        = number
  default     = 128
}

variable "vpc" {
  description = <<-EOT
    The network that the function is in; null: Lambda's own, with a way to the internet and to AWS.
    target: the security group of the database, which is opened to the function at this port.
    endpoint: make an interface endpoint of Secrets Manager in these subnets. false where the VPC has one, or a NAT gateway.
    endpoint_clients: security groups, such as the application's, that may use the endpoint, too: with private DNS all of
    the VPC goes there.
    https_egress: CIDR blocks that the function may reach at port 443: a provider's, or those of an endpoint that exists.
    owner_account_id: the account that shares the subnets with this one.
  EOT
  type = object({
    vpc_id           = string
    subnet_ids       = list(string)
    target           = optional(object({ security_group_id = string, port = optional(number, 5432) }))
    endpoint         = optional(bool, true)
    endpoint_clients = optional(list(string), [])
    https_egress     = optional(list(string), [])
    owner_account_id = optional(string)
  })
  default = null

  validation {
    condition     = var.vpc == null || try(var.vpc.endpoint || length(var.vpc.https_egress) > 0, false)
    error_message = "Without vpc.endpoint the function needs another way to Secrets Manager: set vpc.https_egress to the CIDR blocks of the endpoint that exists, or to [\"0.0.0.0/0\"] behind a NAT gateway."
  }
  validation {
    condition     = var.vpc == null || try(length(var.vpc.subnet_ids) > 0, false)
    error_message = "vpc.subnet_ids must name at least one subnet, better two in different zones."
  }
}

variable "replicas" {
  description = <<-EOT
    Regions with a replica of the secret. Rotation runs in the primary's Region only.
    kms_key_arn: a key of that Region; without, its aws/secretsmanager.
    endpoint: make an interface endpoint there, for the consumers in that Region's VPC that cannot reach Secrets Manager
    otherwise, and for the rotation itself should the replica be promoted. clients are their security groups.
  EOT
  type = map(object({
    kms_key_arn = optional(string)
    endpoint = optional(object({
      vpc_id     = string
      subnet_ids = list(string)
      clients    = list(string)
    }))
  }))
  default = {}
}

variable "permissions_boundary_arn" {
  description = "The policy that bounds the role, where the account demands one. It has to allow what the role is granted."
  type        = string
  default     = null
}

variable "log_retention_days" {
  description = "Days that the function's log is kept."
  type        = number
  default     = 90
}

variable "log_kms_key_arn" {
  description = "A key for the log; its policy has to let CloudWatch Logs use it. The log holds no secret."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of all that is made here."
  type        = map(string)
  default     = {}
}
