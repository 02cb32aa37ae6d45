variable "name" {
  description = "Start of the names of all that is made here; one set of alarms per Region."
  type        = string
  default     = "secret-rotation"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,28}$", var.name))
    error_message = "name must begin with a letter and be 1 to 29 lower-case letters, digits and hyphens: the trail's bucket has it in its name, which has 63 characters."
  }
}

variable "secrets" {
  description = <<-EOT
    The secrets that are watched, by a short name. All in this Region, which is their primary one.
    interval_hours: the longest time between two rotations by schedule: 24 × days.
    backend: what the function's log calls its backend (`http-api-key`, `postgres-alternating-users`, `postgres-single-user`),
    for the alarm on failures that a person has to mend; it is one for all functions of the account with this backend.
    margin_hours: how much later a rotation may be before it is missed. A rotation begins within the schedule's window.
  EOT
  type = map(object({
    arn            = string
    function_name  = string
    interval_hours = number
    margin_hours   = optional(number, 24)
    backend        = optional(string)
  }))

  validation {
    condition     = length(var.secrets) >= 1 && length(var.secrets) <= 15
    error_message = "secrets must name 1 to 15: an event pattern holds 2048 characters. Use the module again, with another name, for more."
  }
  validation {
    condition     = alltrue([for secret in var.secrets : secret.interval_hours >= 4 && secret.margin_hours >= 1])
    error_message = "interval_hours must be 4 or more, as Secrets Manager rotates no faster, and margin_hours 1 or more."
  }
}

variable "emails" {
  description = "Addresses that are told of alarms. Each gets a mail to confirm first."
  type        = set(string)
  default     = []
}

variable "topic_kms_key_arn" {
  description = "A customer managed key for the topics, whose policy lets events.amazonaws.com and cloudwatch.amazonaws.com use it (kms:Decrypt, kms:GenerateDataKey), the first without a condition on the source. alias/aws/sns cannot be used by either. Messages hold ARNs and names, and no secret."
  type        = string
  default     = null
}

variable "trail" {
  description = "Make a CloudTrail trail of this Region's management events that write. Without any trail in the account that logs them, the rules for failures never fire. Leave it false where one exists."
  type        = bool
  default     = false
}

variable "trail_retention_days" {
  description = "Days that the trail's records are kept in its bucket."
  type        = number
  default     = 365
}

variable "permissions_boundary_arn" {
  description = "The policy that bounds the two roles, where the account demands one. It has to allow what they are granted."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of all that is made here."
  type        = map(string)
  default     = {}
}
