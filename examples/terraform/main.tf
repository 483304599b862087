# An authorizer for a REST API that exists, with a protected and a public method. Where Terraform manages your methods already, give them
# `authorization` and `authorizer_id` as below, and let your deployment depend on what is here.

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

variable "backend" {
  type        = string
  description = "The name of the function behind the methods"
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

# Without these, browsers hide a 401, 403 or 500 of the gateway from the page.
resource "aws_api_gateway_gateway_response" "unauthorized" {
  rest_api_id   = var.rest_api_id
  response_type = "UNAUTHORIZED"
  status_code   = "401"
  response_parameters = {
    "gatewayresponse.header.Access-Control-Allow-Origin"   = "'*'"
    "gatewayresponse.header.Access-Control-Expose-Headers" = "'WWW-Authenticate'"
    "gatewayresponse.header.Cache-Control"                 = "'no-store'"
    "gatewayresponse.header.WWW-Authenticate"              = "'Bearer error=\"invalid_token\"'"
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
    "gatewayresponse.header.Access-Control-Allow-Origin"   = "'*'"
    "gatewayresponse.header.Access-Control-Expose-Headers" = "'WWW-Authenticate'"
    "gatewayresponse.header.Cache-Control"                 = "'no-store'"
    "gatewayresponse.header.WWW-Authenticate"              = "'Bearer'"
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
    "gatewayresponse.header.Cache-Control"               = "'no-store'"
  }
  response_templates = {
    "application/json" = "{\"message\":\"Internal server error\"}"
  }
}

data "aws_api_gateway_resource" "root" {
  rest_api_id = var.rest_api_id
  path        = "/"
}

data "aws_lambda_function" "backend" {
  function_name = var.backend
}

resource "aws_lambda_permission" "backend" {
  action        = "lambda:InvokeFunction"
  function_name = data.aws_lambda_function.backend.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${data.aws_partition.current.partition}:execute-api:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:${var.rest_api_id}/*"
}

resource "aws_api_gateway_resource" "orders" {
  rest_api_id = var.rest_api_id
  parent_id   = data.aws_api_gateway_resource.root.id
  path_part   = "orders"
}

resource "aws_api_gateway_method" "orders" {
  rest_api_id   = var.rest_api_id
  resource_id   = aws_api_gateway_resource.orders.id
  http_method   = "GET"
  authorization = "CUSTOM"
  authorizer_id = aws_api_gateway_authorizer.jwt.id
}

resource "aws_api_gateway_integration" "orders" {
  rest_api_id             = var.rest_api_id
  resource_id             = aws_api_gateway_resource.orders.id
  http_method             = aws_api_gateway_method.orders.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = data.aws_lambda_function.backend.invoke_arn
}

# Browsers send no token with a preflight.
resource "aws_api_gateway_method" "preflight" {
  rest_api_id   = var.rest_api_id
  resource_id   = aws_api_gateway_resource.orders.id
  http_method   = "OPTIONS"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "preflight" {
  rest_api_id = var.rest_api_id
  resource_id = aws_api_gateway_resource.orders.id
  http_method = aws_api_gateway_method.preflight.http_method
  type        = "MOCK"
  request_templates = {
    "application/json" = "{\"statusCode\":200}"
  }
}

resource "aws_api_gateway_method_response" "preflight" {
  rest_api_id = var.rest_api_id
  resource_id = aws_api_gateway_resource.orders.id
  http_method = aws_api_gateway_method.preflight.http_method
  status_code = "200"
  response_parameters = {
    "method.response.header.Access-Control-Allow-Origin"  = true
    "method.response.header.Access-Control-Allow-Headers" = true
    "method.response.header.Access-Control-Allow-Methods" = true
  }
}

resource "aws_api_gateway_integration_response" "preflight" {
  rest_api_id = var.rest_api_id
  resource_id = aws_api_gateway_resource.orders.id
  http_method = aws_api_gateway_integration.preflight.http_method
  status_code = aws_api_gateway_method_response.preflight.status_code
  response_parameters = {
    "method.response.header.Access-Control-Allow-Origin"  = "'*'"
    "method.response.header.Access-Control-Allow-Headers" = "'Authorization,Content-Type'"
    "method.response.header.Access-Control-Allow-Methods" = "'GET,OPTIONS'"
  }
}

resource "aws_api_gateway_resource" "health" {
  rest_api_id = var.rest_api_id
  parent_id   = data.aws_api_gateway_resource.root.id
  path_part   = "health"
}

# Public.
resource "aws_api_gateway_method" "health" {
  rest_api_id   = var.rest_api_id
  resource_id   = aws_api_gateway_resource.health.id
  http_method   = "GET"
  authorization = "NONE"
}

resource "aws_api_gateway_integration" "health" {
  rest_api_id             = var.rest_api_id
  resource_id             = aws_api_gateway_resource.health.id
  http_method             = aws_api_gateway_method.health.http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = data.aws_lambda_function.backend.invoke_arn
}

# Nothing of the above is in effect before a deployment: a change of this file makes a new one.
resource "aws_api_gateway_deployment" "protected" {
  rest_api_id = var.rest_api_id
  triggers    = { file = filesha1("${path.module}/main.tf") }
  depends_on = [
    aws_api_gateway_gateway_response.unauthorized,
    aws_api_gateway_gateway_response.access_denied,
    aws_api_gateway_gateway_response.error,
    aws_api_gateway_integration.orders,
    aws_api_gateway_integration_response.preflight,
    aws_api_gateway_integration.health,
  ]
  lifecycle {
    create_before_destroy = true
  }
}

output "authorizer_id" {
  value = aws_api_gateway_authorizer.jwt.id
}

output "deployment_id" {
  description = "For the `deployment_id` of your `aws_api_gateway_stage`"
  value       = aws_api_gateway_deployment.protected.id
}
