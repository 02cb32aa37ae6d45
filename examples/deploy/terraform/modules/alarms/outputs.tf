output "alarms_topic_arn" {
  description = "Where failures and missed rotations are told."
  value       = aws_sns_topic.alarms.arn
}

output "progress_topic_arn" {
  description = "Where dry runs and new values are told."
  value       = aws_sns_topic.progress.arn
}
