data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = "Of the function that rotates ${var.secret.name}"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

# What the function does, and nothing else: a test compares it with what the code was seen to call.
data "aws_iam_policy_document" "rotate" {
  statement {
    sid = "RotateTheSecret"
    actions = [
      "secretsmanager:DescribeSecret",
      "secretsmanager:GetSecretValue",
      "secretsmanager:PutSecretValue",
      "secretsmanager:UpdateSecretVersionStage",
    ]
    resources = [aws_secretsmanager_secret.this.arn]
  }

  dynamic "statement" {
    for_each = var.superuser_secret == null ? [] : [var.superuser_secret]
    content {
      sid       = "ReadTheSuperuserSecret"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [statement.value.arn]
    }
  }

  dynamic "statement" {
    for_each = var.secret.kms_key_arn == null ? [] : [var.secret.kms_key_arn]
    content {
      sid       = "UseTheSecretsKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]
      condition {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:SecretARN"
        values   = [aws_secretsmanager_secret.this.arn]
      }
    }
  }

  # Apart from the others: DescribeKey has no encryption context, so that under their condition it is never allowed.
  dynamic "statement" {
    for_each = var.secret.kms_key_arn == null ? [] : [var.secret.kms_key_arn]
    content {
      sid       = "DescribeTheSecretsKey"
      actions   = ["kms:DescribeKey"]
      resources = [statement.value]
    }
  }

  # A new value is encrypted for each replica with that Region's key. That this is done with the rights of whoever stored
  # it is documented for replicas in other accounts only; without the right the replica's status is Failed.
  dynamic "statement" {
    for_each = length(local.replica_key_arns) == 0 ? [] : [local.replica_key_arns]
    content {
      sid       = "EncryptForTheReplicas"
      actions   = ["kms:Encrypt", "kms:GenerateDataKey"]
      resources = statement.value
      condition {
        test     = "StringLike"
        variable = "kms:EncryptionContext:SecretARN"
        values   = [replace(aws_secretsmanager_secret.this.arn, ":secretsmanager:${local.region}:", ":secretsmanager:*:")]
      }
    }
  }

  dynamic "statement" {
    for_each = try(var.superuser_secret.kms_key_arn, null) == null ? [] : [var.superuser_secret]
    content {
      sid       = "DecryptTheSuperuserSecret"
      actions   = ["kms:Decrypt"]
      resources = [statement.value.kms_key_arn]
      condition {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:SecretARN"
        values   = [statement.value.arn]
      }
    }
  }

  statement {
    sid       = "WriteTheLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }

  dynamic "statement" {
    for_each = var.vpc == null ? [] : [var.vpc]
    content {
      sid = "MakeNetworkInterfaces"
      actions = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:UnassignPrivateIpAddresses",
      ]
      resources = [
        for account in distinct([local.account, coalesce(statement.value.owner_account_id, local.account)]) :
        "arn:${local.partition}:ec2:${local.region}:${account}:*/*"
      ]
    }
  }

  # AWS knows no resource for these two.
  dynamic "statement" {
    for_each = var.vpc == null ? [] : [var.vpc]
    content {
      sid       = "LookAtTheNetwork"
      actions   = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
      resources = ["*"]
    }
  }

  # The interfaces are Lambda's own need: what runs in the function must not make any.
  dynamic "statement" {
    for_each = var.vpc == null ? [] : [var.vpc]
    content {
      sid    = "NotFromWithinTheFunction"
      effect = "Deny"
      actions = [
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
      ]
      resources = ["*"]
      condition {
        test     = "ArnEquals"
        variable = "lambda:SourceFunctionArn"
        values   = ["arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.name}"]
      }
    }
  }
}

resource "aws_iam_role_policy" "rotate" {
  name   = "rotate"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.rotate.json
}
