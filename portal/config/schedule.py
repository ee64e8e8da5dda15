"""The tasks that beat sends, and how often, in seconds."""

from __future__ import annotations

from typing import Any, Final

BEAT_SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    "reap-jobs": {"task": "portal.jobs.reap", "schedule": 1.0, "options": {"expires": 1}},
    "send-due-notices": {"task": "portal.notices.send_due", "schedule": 30.0},
    "dispatch-webhooks": {
        "task": "portal.webhooks.dispatch",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    "forget-old-webhooks": {"task": "portal.webhooks.forget_old", "schedule": 3600.0},
    "tell-of-changed-licences": {
        "task": "portal.access.tell_of_changed_licences",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "call-to-overdue": {"task": "portal.access.call_to_overdue", "schedule": 900.0},
    "record-energy": {
        "task": "portal.energy.record",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "advance-batches": {
        "task": "portal.batches.advance_all",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "erase-old-files": {"task": "portal.batches.erase_old_files", "schedule": 3600.0},
    "tend-teams": {"task": "portal.teams.tend", "schedule": 900.0},
    "tend-vouching": {"task": "portal.vouching.tend", "schedule": 900.0},
    "carry-out-retention": {"task": "portal.privacy.carry_out_retention", "schedule": 3600.0},
    "carry-out-erasures": {"task": "portal.privacy.carry_out_erasures", "schedule": 900.0},
    "watch-ends": {"task": "portal.renewals.watch_ends", "schedule": 60.0},
    "erase-old-prompts": {"task": "portal.jobs.erase_old_prompts", "schedule": 3600.0},
    "erase-by-project": {"task": "portal.notebook.erase_by_project", "schedule": 3600.0},
}
