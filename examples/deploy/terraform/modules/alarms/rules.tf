data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}
data "aws_region" "this" {}

locals {
  account     = data.aws_caller_identity.this.account_id
  partition   = data.aws_partition.this.partition
  region      = data.aws_region.this.region
  secret_arns = [for secret in var.secrets : secret.arn]
}

# Events that Secrets Manager itself writes to CloudTrail. They are no API calls, and name the secret in
# additionalEventData alone: a rule for "AWS API Call via CloudTrail", or on requestParameters, never fires.
resource "aws_cloudwatch_event_rule" "failed" {
  name        = "${var.name}-failed"
  description = "A rotation failed or was abandoned, or a dry run failed"
  tags        = var.tags

  event_pattern = jsonencode({
    source        = ["aws.secretsmanager"]
    "detail-type" = ["AWS Service Event via CloudTrail"]
    detail = {
      eventSource         = ["secretsmanager.amazonaws.com"]
      eventName           = ["RotationFailed", "RotationAbandoned", "TestRotationFailed"]
      additionalEventData = { SecretId = local.secret_arns }
    }
  })
}

resource "aws_cloudwatch_event_rule" "tested" {
  name        = "${var.name}-tested"
  description = "A dry run began or ended"
  tags        = var.tags

  event_pattern = jsonencode({
    source        = ["aws.secretsmanager"]
    "detail-type" = ["AWS Service Event via CloudTrail"]
    detail = {
      eventSource         = ["secretsmanager.amazonaws.com"]
      eventName           = [{ prefix = "TestRotation" }]
      additionalEventData = { SecretId = local.secret_arns }
    }
  })
}

# The service's own event, which needs no trail. It comes for a value that somebody else stores, too: both are a new value.
resource "aws_cloudwatch_event_rule" "succeeded" {
  name        = "${var.name}-succeeded"
  description = "A secret has a new value"
  tags        = var.tags

  event_pattern = jsonencode({
    source        = ["aws.secretsmanager"]
    "detail-type" = ["Secret Label Updated"]
    resources     = local.secret_arns
    detail        = { labelUpdated = ["AWSCURRENT"] }
  })
}

resource "aws_cloudwatch_event_target" "failed" {
  rule = aws_cloudwatch_event_rule.failed.name
  arn  = aws_sns_topic.alarms.arn
}

resource "aws_cloudwatch_event_target" "tested" {
  rule = aws_cloudwatch_event_rule.tested.name
  arn  = aws_sns_topic.progress.arn
}

resource "aws_cloudwatch_event_target" "succeeded" {
  rule = aws_cloudwatch_event_rule.succeeded.name
  arn  = aws_sns_topic.progress.arn
}

# From the function's own metrics: it failed, and no replay will mend it. One for each backend, as the metric has no secret.
resource "aws_cloudwatch_metric_alarm" "misconfigured" {
  for_each = toset([for secret in var.secrets : secret.backend if secret.backend != null])

  alarm_name          = "${var.name}-misconfigured-${each.key}"
  alarm_description   = "A rotation by ${each.key} needs a person: its log says which permission, value or setting is wrong"
  namespace           = "SecretRotation"
  metric_name         = "failed"
  dimensions          = { backend = each.key, class = "misconfigured" }
  statistic           = "Sum"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  tags                = var.tags
}

# Needs no trail, and comes first: the function said that a step failed, or died.
resource "aws_cloudwatch_metric_alarm" "step_failed" {
  for_each = var.secrets

  alarm_name          = "${var.name}-step-failed-${each.key}"
  alarm_description   = "A step of the rotation of ${each.value.arn} failed; the log of ${each.value.function_name} says who can mend it, and Secrets Manager replays the rotation"
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = each.value.function_name }
  statistic           = "Sum"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  tags                = var.tags
}
