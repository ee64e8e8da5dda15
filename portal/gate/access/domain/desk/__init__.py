"""What reviewers work with: the queue, claims, facts about an applicant, bulk actions, denials."""
