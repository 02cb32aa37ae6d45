# The dead man's switch. CloudWatch looks back seven days at most, so that an alarm on "no success event" cannot watch a
# schedule of thirty. The age of the last rotation, written every hour, can be, and needs neither trail nor event.
# Where the hourly look itself stops, data is missing, and that is an alarm, too.
resource "aws_sfn_state_machine" "age" {
  name       = "${var.name}-age"
  role_arn   = aws_iam_role.age.arn
  definition = file("${path.module}/age.asl.json")
  tags       = var.tags

  depends_on = [aws_iam_role_policy.age]
}

resource "aws_scheduler_schedule" "age" {
  for_each = var.secrets

  name                = "${var.name}-age-${each.key}"
  description         = "Hours since ${each.value.arn} was rotated"
  schedule_expression = "rate(1 hour)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_sfn_state_machine.age.arn
    role_arn = aws_iam_role.schedule.arn
    input    = jsonencode({ secret = each.value.arn })
  }
}

resource "aws_cloudwatch_metric_alarm" "overdue" {
  for_each = var.secrets

  alarm_name          = "${var.name}-overdue-${each.key}"
  alarm_description   = "${each.value.arn} was not rotated for ${each.value.interval_hours + each.value.margin_hours} hours, or its age could not be read for three"
  namespace           = "SecretRotation"
  metric_name         = "hours_since_rotation"
  dimensions          = { secret = each.value.arn }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.interval_hours + each.value.margin_hours
  period              = 3600
  evaluation_periods  = 3
  datapoints_to_alarm = 3
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  tags                = var.tags
}

data "aws_iam_policy_document" "age_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["states.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role" "age" {
  name                 = "${var.name}-age-${local.region}"
  assume_role_policy   = data.aws_iam_policy_document.age_trust.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

data "aws_iam_policy_document" "age" {
  statement {
    sid       = "LookAtTheSecrets"
    actions   = ["secretsmanager:DescribeSecret"]
    resources = local.secret_arns
  }

  # AWS knows no resource for this one.
  statement {
    sid       = "WriteTheMetric"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]
    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = ["SecretRotation"]
    }
  }
}

resource "aws_iam_role_policy" "age" {
  name   = "age"
  role   = aws_iam_role.age.id
  policy = data.aws_iam_policy_document.age.json
}

data "aws_iam_policy_document" "schedule_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role" "schedule" {
  name                 = "${var.name}-schedule-${local.region}"
  assume_role_policy   = data.aws_iam_policy_document.schedule_trust.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

data "aws_iam_policy_document" "schedule" {
  statement {
    sid       = "StartTheLook"
    actions   = ["states:StartExecution"]
    resources = [aws_sfn_state_machine.age.arn]
  }
}

resource "aws_iam_role_policy" "schedule" {
  name   = "schedule"
  role   = aws_iam_role.schedule.id
  policy = data.aws_iam_policy_document.schedule.json
}
