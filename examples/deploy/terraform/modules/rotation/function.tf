# Made here, so that it has an end to its events and the function need not be allowed to make it.
resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_kms_key_arn
  tags              = var.tags
}

# No reserved_concurrent_executions: with less than 10, rotations may loop between createSecret and setSecret (AWS's own
# "Troubleshoot rotation"), and a secret is rotated by one invocation at a time anyway.
resource "aws_lambda_function" "this" {
  function_name    = var.name
  description      = substr("Rotates ${var.secret.name}", 0, 256)
  runtime          = "provided.al2023"
  architectures    = ["arm64"]
  handler          = "bootstrap"
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  role             = aws_iam_role.this.arn
  timeout          = var.timeout
  memory_size      = var.memory
  tags             = var.tags

  environment {
    variables = var.environment
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  dynamic "vpc_config" {
    for_each = var.vpc == null ? [] : [var.vpc]
    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = [aws_security_group.function[0].id]
    }
  }

  # Without its rights Lambda can make neither log stream nor network interface.
  depends_on = [aws_iam_role_policy.rotate]
}

resource "aws_lambda_permission" "secretsmanager" {
  statement_id   = "secretsmanager"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.this.function_name
  principal      = "secretsmanager.amazonaws.com"
  source_account = local.account
  source_arn     = aws_secretsmanager_secret.this.arn
}
