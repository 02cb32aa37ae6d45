# `terraform init && terraform test`: needs no account.

mock_provider "aws" {
  override_data {
    target = data.aws_caller_identity.this
    values = { account_id = "111122223333" }
  }
  override_data {
    target = data.aws_partition.this
    values = { partition = "aws" }
  }
  override_data {
    target = data.aws_region.this
    values = { region = "eu-west-1" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  secrets = {
    app = { arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm/app-AbCdEf", function_name = "rotator", interval_hours = 720 }
  }
}

run "one_secret" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.overdue["app"].threshold == 744
    error_message = "The dead man's switch is not at the interval and a day."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.overdue["app"].treat_missing_data == "breaching"
    error_message = "A look that stopped is no alarm."
  }
  assert {
    condition     = jsondecode(aws_scheduler_schedule.age["app"].target[0].input).secret == var.secrets.app.arn
    error_message = "The look is at another secret."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.failed.event_pattern).detail.additionalEventData.SecretId == [var.secrets.app.arn]
    error_message = "The rule is for another secret."
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.misconfigured) == 0
    error_message = "There is an alarm for a backend that was not named."
  }
  assert {
    condition     = length(aws_cloudtrail.this) == 0 && length(aws_s3_bucket.trail) == 0
    error_message = "A trail was not asked for."
  }
}

run "with_a_trail_and_mails" {
  command = plan
  variables {
    trail  = true
    emails = ["on-call@example.com"]
  }
  assert {
    condition     = aws_cloudtrail.this[0].event_selector[0].include_management_events && aws_cloudtrail.this[0].event_selector[0].read_write_type == "WriteOnly"
    error_message = "The trail does not log the events of a rotation."
  }
  assert {
    condition     = aws_s3_bucket.trail[0].bucket == "secret-rotation-trail-111122223333-eu-west-1"
    error_message = "The bucket is not the one that its policy names."
  }
  assert {
    condition     = keys(aws_sns_topic_subscription.alarms) == ["on-call@example.com"]
    error_message = "Nobody is told."
  }
}

run "two_secrets_of_one_backend" {
  command = plan
  variables {
    secrets = {
      app   = { arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm/app-AbCdEf", function_name = "one", interval_hours = 720, backend = "postgres-single-user" }
      other = { arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm/other-AbCdEf", function_name = "two", interval_hours = 168, margin_hours = 12, backend = "postgres-single-user" }
    }
  }
  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.misconfigured) == ["postgres-single-user"]
    error_message = "There is not one alarm for the backend of both."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.overdue["other"].threshold == 180
    error_message = "Each secret has its own interval and margin."
  }
}

run "a_name_too_long_for_the_bucket" {
  command = plan
  variables {
    name = "a-name-of-thirty-characters-ab"
  }
  expect_failures = [var.name]
}

run "no_secret" {
  command = plan
  variables {
    secrets = {}
  }
  expect_failures = [var.secrets]
}

run "faster_than_aws_rotates" {
  command = plan
  variables {
    secrets = { app = { arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm/app-AbCdEf", function_name = "rotator", interval_hours = 1 } }
  }
  expect_failures = [var.secrets]
}
