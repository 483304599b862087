# An authorizer for a REST API that you have. Give `authorizer_id` to your methods (`authorization = "CUSTOM"`), and let the
# deployment's `triggers` depend on what is here.

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

variable "rest_api_id" {
  type = string
}

variable "zip" {
  type        = string
  description = "The zip of the release, or of `cargo lambda build --output-format zip`"
  default     = "apigw-jwt-authorizer-arm64.zip"
}

variable "configuration" {
  type        = string
  description = "The configuration document"
  default     = "authorizer.json"
}

data "aws_partition" "current" {}

resource "aws_iam_role" "authorizer" {
  name_prefix = "jwt-authorizer-"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}

resource "aws_cloudwatch_log_group" "authorizer" {
  name_prefix       = "/aws/lambda/jwt-authorizer-"
  retention_in_days = 30
}

resource "aws_iam_role_policy" "log" {
  role = aws_iam_role.authorizer.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.authorizer.arn}:*"
    }]
  })
}

resource "aws_lambda_function" "authorizer" {
  function_name    = "jwt-authorizer"
  role             = aws_iam_role.authorizer.arn
  runtime          = "provided.al2023"
  architectures    = ["arm64"]
  handler          = "bootstrap"
  filename         = var.zip
  source_code_hash = filebase64sha256(var.zip)
  memory_size      = 256
  timeout          = 10

  environment {
    variables = {
      AUTHORIZER_CONFIG = file(var.configuration)
    }
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.authorizer.name
  }
}

resource "aws_api_gateway_authorizer" "jwt" {
  name                             = "jwt"
  rest_api_id                      = var.rest_api_id
  type                             = "TOKEN"
  authorizer_uri                   = aws_lambda_function.authorizer.invoke_arn
  identity_source                  = "method.request.header.Authorization"
  identity_validation_expression   = "^[Bb]earer +[-0-9A-Za-z_]+\\.[-0-9A-Za-z_]+\\.[-0-9A-Za-z_]+$"
  authorizer_result_ttl_in_seconds = 300
}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

resource "aws_lambda_permission" "gateway" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.authorizer.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:${var.rest_api_id}/authorizers/${aws_api_gateway_authorizer.jwt.id}"
}

resource "aws_api_gateway_gateway_response" "unauthorized" {
  rest_api_id   = var.rest_api_id
  response_type = "UNAUTHORIZED"
  status_code   = "401"
  response_parameters = {
    "gatewayresponse.header.Access-Control-Allow-Origin" = "'*'"
    "gatewayresponse.header.WWW-Authenticate"            = "'Bearer error=\"invalid_token\"'"
  }
  response_templates = {
    "application/json" = "{\"message\":\"Unauthorized\",\"error\":\"invalid_token\"}"
  }
}

resource "aws_api_gateway_gateway_response" "access_denied" {
  rest_api_id   = var.rest_api_id
  response_type = "ACCESS_DENIED"
  status_code   = "403"
  response_parameters = {
    "gatewayresponse.header.Access-Control-Allow-Origin" = "'*'"
    "gatewayresponse.header.WWW-Authenticate"            = "'Bearer'"
  }
  response_templates = {
    "application/json" = "{\"message\":\"Forbidden\",\"error\":\"$context.authorizer.error\",\"reason\":\"$context.authorizer.reason\"}"
  }
}

resource "aws_api_gateway_gateway_response" "error" {
  rest_api_id   = var.rest_api_id
  response_type = "DEFAULT_5XX"
  response_parameters = {
    "gatewayresponse.header.Access-Control-Allow-Origin" = "'*'"
  }
}

output "authorizer_id" {
  value = aws_api_gateway_authorizer.jwt.id
}
