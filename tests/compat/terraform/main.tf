# What people describe of an Object Lambda access point, from the bucket up.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "endpoint" {
  type = string
}

variable "package" {
  type = string
}

variable "stage" {
  type = string
}

provider "aws" {
  region                      = "us-east-1"
  s3_use_path_style           = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_credentials_validation = true

  endpoints {
    iam       = var.endpoint
    lambda    = var.endpoint
    s3        = var.endpoint
    s3control = var.endpoint
    sts       = var.endpoint
  }
}

data "aws_caller_identity" "me" {}

# The data

resource "aws_s3_bucket" "letters" {
  bucket = "terraform-letters"
  tags   = { stage = var.stage }
}

resource "aws_s3_bucket_public_access_block" "letters" {
  bucket                  = aws_s3_bucket.letters.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = var.stage == "first"
}

resource "aws_s3_bucket_ownership_controls" "letters" {
  bucket = aws_s3_bucket.letters.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_cors_configuration" "letters" {
  bucket = aws_s3_bucket.letters.id
  cors_rule {
    allowed_origins = ["https://${var.stage}.example.com"]
    allowed_methods = ["GET"]
    expose_headers  = ["ETag"]
    max_age_seconds = 600
  }
}

data "aws_iam_policy_document" "delegation" {
  statement {
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.letters.arn, "${aws_s3_bucket.letters.arn}/*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "StringEquals"
      variable = "s3:DataAccessPointAccount"
      values   = [data.aws_caller_identity.me.account_id]
    }
  }
}

resource "aws_s3_bucket_policy" "letters" {
  bucket     = aws_s3_bucket.letters.id
  policy     = data.aws_iam_policy_document.delegation.json
  depends_on = [aws_s3_bucket_public_access_block.letters]
}

resource "aws_s3_object" "letter" {
  bucket       = aws_s3_bucket.letters.id
  key          = "letter.txt"
  content      = "dear ${var.stage} reader"
  content_type = "text/plain"
  tags         = { stage = var.stage }
}

resource "aws_s3_access_point" "letters" {
  name       = "terraform-letters"
  bucket     = aws_s3_bucket.letters.id
  depends_on = [aws_s3_bucket_policy.letters]
}

# The function and its role

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "shout" {
  name               = "terraform-shout"
  description        = "What the function may do (${var.stage})"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "write" {
  statement {
    actions   = ["s3-object-lambda:WriteGetObjectResponse"]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "write" {
  name   = "terraform-write"
  policy = data.aws_iam_policy_document.write.json
}

resource "aws_iam_role_policy_attachment" "write" {
  role       = aws_iam_role.shout.name
  policy_arn = aws_iam_policy.write.arn
}

resource "aws_lambda_function" "shout" {
  function_name    = "terraform-shout"
  role             = aws_iam_role.shout.arn
  handler          = "uppercase.handler"
  runtime          = "python3.11"
  timeout          = var.stage == "first" ? 30 : 20
  publish          = true
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.shout.function_name
  function_version = aws_lambda_function.shout.version
}

resource "aws_lambda_permission" "account" {
  statement_id  = "account"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.shout.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:root"
}

resource "aws_s3control_object_lambda_access_point" "shout" {
  name = "terraform-shout"
  configuration {
    supporting_access_point = aws_s3_access_point.letters.arn
    transformation_configuration {
      actions = ["GetObject"]
      content_transformation {
        aws_lambda {
          function_arn     = aws_lambda_alias.live.arn
          function_payload = var.stage
        }
      }
    }
  }
}

# A reader who reads transformed and in no other way

resource "aws_iam_user" "reader" {
  name = "terraform-reader"
}

resource "aws_iam_access_key" "reader" {
  user = aws_iam_user.reader.name
}

data "aws_iam_policy_document" "olap" {
  statement {
    actions   = ["s3-object-lambda:GetObject"]
    resources = [aws_s3control_object_lambda_access_point.shout.arn]
    principals {
      type        = "AWS"
      identifiers = [aws_iam_user.reader.arn]
    }
  }
}

resource "aws_s3control_object_lambda_access_point_policy" "shout" {
  name   = aws_s3control_object_lambda_access_point.shout.name
  policy = data.aws_iam_policy_document.olap.json
}

output "alias" {
  value = aws_s3control_object_lambda_access_point.shout.alias
}

output "reader_key" {
  value     = { id = aws_iam_access_key.reader.id, secret = aws_iam_access_key.reader.secret }
  sensitive = true
}
