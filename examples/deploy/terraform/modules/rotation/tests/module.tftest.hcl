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
  name    = "rotator"
  package = "tests/bootstrap.zip"
  secret  = { name = "crm/app" }
}

run "the_least" {
  command = plan

  assert {
    condition     = length(aws_secretsmanager_secret_rotation.this) == 0
    error_message = "There is a schedule, and the secret may have no value yet."
  }
  assert {
    condition     = toset([for statement in data.aws_iam_policy_document.rotate.statement : statement.sid]) == toset(["RotateTheSecret", "WriteTheLog"])
    error_message = "The role has rights for something that is not there."
  }
  assert {
    condition     = aws_lambda_function.this.runtime == "provided.al2023" && aws_lambda_function.this.architectures == tolist(["arm64"])
    error_message = "The function is not what cargo lambda builds."
  }
  assert {
    condition     = aws_lambda_permission.secretsmanager.principal == "secretsmanager.amazonaws.com" && aws_lambda_permission.secretsmanager.source_account == "111122223333"
    error_message = "Another account's Secrets Manager may invoke the function."
  }
  assert {
    condition     = aws_cloudwatch_log_group.this.retention_in_days == 90
    error_message = "The log is kept for ever."
  }
  assert {
    condition     = length(aws_lambda_function.this.vpc_config) == 0 && length(aws_security_group.function) == 0 && length(aws_vpc_endpoint.secretsmanager) == 0
    error_message = "There is a network, and none was asked for."
  }
}

run "everything" {
  command = plan

  variables {
    secret                   = { name = "crm/app", kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/1", recovery_window_days = 7, tags = { "rotation:grace" = "none" } }
    superuser_secret         = { arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm/master-AbCdEf", kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/2" }
    schedule                 = { expression = "cron(0 3 ? * SUN *)", window = "3h" }
    permissions_boundary_arn = "arn:aws:iam::111122223333:policy/boundary"
    vpc = {
      vpc_id           = "vpc-1"
      subnet_ids       = ["subnet-1", "subnet-2"]
      target           = { security_group_id = "sg-db" }
      endpoint_clients = ["sg-app"]
    }
    replicas = {
      eu-central-1 = { kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/3", endpoint = { vpc_id = "vpc-2", subnet_ids = ["subnet-3"], clients = ["sg-app-2"] } }
      eu-north-1   = {}
    }
  }

  assert {
    condition = toset([for statement in data.aws_iam_policy_document.rotate.statement : statement.sid]) == toset([
      "RotateTheSecret", "ReadTheSuperuserSecret", "UseTheSecretsKey", "DescribeTheSecretsKey", "EncryptForTheReplicas", "DecryptTheSuperuserSecret",
      "WriteTheLog", "MakeNetworkInterfaces", "LookAtTheNetwork", "NotFromWithinTheFunction",
    ])
    error_message = "A right is missing."
  }
  assert {
    condition     = aws_secretsmanager_secret_rotation.this[0].rotate_immediately == false && one(aws_secretsmanager_secret_rotation.this[0].rotation_rules).duration == "3h"
    error_message = "The schedule is another one."
  }
  assert {
    condition     = aws_iam_role.this.permissions_boundary == "arn:aws:iam::111122223333:policy/boundary"
    error_message = "The role is not bounded."
  }
  assert {
    condition     = aws_secretsmanager_secret.this.recovery_window_in_days == 7 && aws_secretsmanager_secret.this.tags["rotation:grace"] == "none"
    error_message = "The secret is another one."
  }
  assert {
    condition     = toset([for replica in aws_secretsmanager_secret.this.replica : replica.region]) == toset(["eu-central-1", "eu-north-1"])
    error_message = "A replica is missing."
  }
  assert {
    condition     = keys(aws_vpc_endpoint.replica) == ["eu-central-1"] && aws_vpc_endpoint.replica["eu-central-1"].service_name == "com.amazonaws.eu-central-1.secretsmanager" && aws_vpc_endpoint.replica["eu-central-1"].region == "eu-central-1"
    error_message = "The endpoint of the replica's Region is missing, or in another Region."
  }
  assert {
    condition     = toset(keys(aws_vpc_security_group_ingress_rule.endpoint)) == toset(["function", "client-0"])
    error_message = "With private DNS the application is sent to the endpoint, too, and not let in."
  }
  assert {
    condition     = length(aws_vpc_security_group_egress_rule.target) == 1 && length(aws_vpc_security_group_ingress_rule.target) == 1 && length(aws_vpc_security_group_egress_rule.endpoint) == 1
    error_message = "The function cannot reach the database or the endpoint."
  }
}

run "by_days" {
  command = plan
  variables {
    schedule = { days = 30 }
  }
  assert {
    condition     = one(aws_secretsmanager_secret_rotation.this[0].rotation_rules).automatically_after_days == 30
    error_message = "The days are lost."
  }
}

run "two_schedules" {
  command = plan
  variables {
    schedule = { days = 30, expression = "rate(10 days)" }
  }
  expect_failures = [var.schedule]
}

run "no_schedule_in_the_schedule" {
  command = plan
  variables {
    schedule = {}
  }
  expect_failures = [var.schedule]
}

run "too_little_time" {
  command = plan
  variables {
    timeout = 30
  }
  expect_failures = [var.timeout]
}

run "a_token_in_the_environment" {
  command = plan
  variables {
    environment = { ADMIN_TOKEN = "a token" }
  }
  expect_failures = [var.environment]
}

run "part_of_an_arn" {
  command = plan
  variables {
    superuser_secret = { arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:*" }
  }
  expect_failures = [var.superuser_secret]
}

run "no_way_to_secrets_manager" {
  command = plan
  variables {
    vpc = { vpc_id = "vpc-1", subnet_ids = ["subnet-1"], endpoint = false }
  }
  expect_failures = [var.vpc]
}

run "no_recovery" {
  command = plan
  variables {
    secret = { name = "crm/app", recovery_window_days = 3 }
  }
  expect_failures = [var.secret]
}
