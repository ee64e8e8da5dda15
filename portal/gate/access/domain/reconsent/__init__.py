"""Signing a changed licence again: mails, who has not, and reminders."""
