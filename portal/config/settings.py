"""The only settings file. What differs between installations comes from the environment."""

from __future__ import annotations

from typing import Any

import dj_database_url
from csp.constants import NONE, SELF

from portal.config.bodies import limit_bodies
from portal.config.environment import BASE_DIR, load_environment
from portal.config.logging import configure_logging
from portal.config.schedule import BEAT_SCHEDULE
from portal.config.sign_in_providers import find_providers
from portal.platform.core.static_headers import add_security_headers

ENV = load_environment()
# --- Site ----------------------------------------------------------------------------
DEMO = ENV.demo
DEBUG = ENV.debug
SECRET_KEY = ENV.secret_key
SITE_URL = ENV.site_url
ALLOWED_HOSTS = [ENV.host, *ENV.allowed_hosts]
CSRF_TRUSTED_ORIGINS = [ENV.site_url]
ROOT_URLCONF = "portal.config.urls"
ASGI_APPLICATION = "portal.config.asgi.application"
TRUSTED_PROXIES = ENV.trusted_proxies
RELEASE_DIR = ENV.release_dir
VAR_DIR = ENV.var_dir
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

INSTALLED_APPS = [
    "portal.platform.accounts.apps.OperatorAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "servestatic.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.forms",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "portal.platform.core",
    "portal.platform.mailbox",
    "portal.platform.notices",
    "portal.platform.audit",
    "portal.platform.accounts",
    "portal.gate.licensing",
    "portal.gate.catalog",
    "portal.gate.access",
    "portal.gate.vouching",
    "portal.gate.teams",
    "portal.gate.webhooks",
    "portal.gate.renewals",
    "portal.gate.keys",
    "portal.gate.decision_api",
    "portal.library.collection",
    "portal.library.logbook",
    "portal.library.weights",
    "portal.lab.quota",
    "portal.lab.jobs",
    "portal.lab.energy",
    "portal.desk.privacy",
    "portal.lab.completions",
    "portal.lab.scoring",
    "portal.lab.chat",
    "portal.lab.batches",
    "portal.lab.presets",
    "portal.lab.notebook",
    "portal.lab.playground",
    "portal.lab.comparison",
    "portal.lab.sharing",
    "portal.desk.console",
    "portal.lab.api",
]

MIDDLEWARE = [
    "servestatic.middleware.ServeStaticMiddleware",
    # Behind ServeStatic: in front of it, this one would enter a thread twice for each request.
    "django.middleware.security.SecurityMiddleware",
    "portal.platform.core.middleware.RequestContextMiddleware",
    "portal.platform.core.tracing.RequestTraceMiddleware",
    "portal.platform.core.metrics.RequestMetricsMiddleware",
    "portal.desk.observability.middleware.ScrapeHostMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.platform.accounts.middleware.SessionActivityMiddleware",
    "portal.platform.accounts.middleware.SignInElsewhereMiddleware",
    "portal.platform.accounts.middleware.JsonSignInMiddleware",
    "portal.platform.accounts.returning.ReturnToFormMiddleware",
    "portal.platform.accounts.sign_out.ForgetAtSignOutMiddleware",
    "portal.platform.accounts.middleware.StaffMFAMiddleware",
    "portal.platform.core.middleware.MethodPageMiddleware",
    "portal.platform.core.middleware.RefusedBodyMiddleware",
    "portal.platform.core.middleware.AddressMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            # Its `csrf_token` replaces Django's in every template, including the admin's.
            "builtins": ["portal.platform.core.templatetags.forms"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.platform.core.context.site",
                "portal.platform.core.context.unsent",
                "portal.gate.access.context.masthead",
            ],
        },
    }
]
FORM_RENDERER = "portal.platform.core.forms.FieldRenderer"

# --- Data ----------------------------------------------------------------------------
DATABASES: dict[str, Any] = {
    "default": {
        **dj_database_url.parse(ENV.database_url),
        "CONN_MAX_AGE": 0,
    }
}
DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
    "min_size": 1,
    "max_size": ENV.database_pool_size,
    "timeout": 10,
}
# Two connections are left for streams, which query the database beside the requests in line.
REQUESTS_AT_A_TIME = max(1, ENV.database_pool_size - 2)
REDIS_URL = ENV.redis_url
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": ENV.redis_url,
        "KEY_PREFIX": "cache",
    }
}
SESSION_ENGINE = "portal.platform.accounts.sessions"

# --- Static files --------------------------------------------------------------------
STATIC_URL = "/static/"
# The demo serves straight from `static/`; ServeStatic warns about a missing folder.
STATIC_ROOT = None if ENV.demo else BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if ENV.demo
        else "servestatic.storage.CompressedManifestStaticFilesStorage"
    },
}
SERVESTATIC_USE_FINDERS = ENV.demo
SERVESTATIC_AUTOREFRESH = ENV.debug
SERVESTATIC_ADD_HEADERS_FUNCTION = add_security_headers

# --- Accounts ------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["portal.platform.accounts.backends.SiteBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "access:status"
# The page after sign-in for a person with one of these roles; the first match counts.
STAFF_START_PAGES = {
    "is_reviewer": "console:queue",
    "is_operator": "console:operations",
    "is_auditor": "console:audit",
}
ACCOUNT_ADAPTER = "portal.platform.accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_SIGNUP_FORM_CLASS = "portal.platform.accounts.forms.SignupForm"
ACCOUNT_SIGNUP_FORM_HONEYPOT_FIELD = "website"
ACCOUNT_FORMS = {
    "signup": "portal.platform.accounts.allauth_forms.SignupForm",
    "login": "portal.platform.accounts.allauth_forms.LoginForm",
    "reset_password": "portal.platform.accounts.allauth_forms.ResetPasswordForm",
    "reset_password_from_key": "portal.platform.accounts.allauth_forms.ResetPasswordKeyForm",
    "change_password": "portal.platform.accounts.allauth_forms.ChangePasswordForm",
    "set_password": "portal.platform.accounts.allauth_forms.SetPasswordForm",
    "reauthenticate": "portal.platform.accounts.allauth_forms.ReauthenticateForm",
    "add_email": "portal.platform.accounts.allauth_forms.AddEmailForm",
}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if ENV.is_https else "http"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_RATE_LIMITS = {
    "login_failed": "10/m/ip",
    "reauthenticate": "10/m/ip",
    "reset_password": "20/m/ip",
    # Counted by `accounts/tries.py` for one account: from one place, and from all unknown places.
    "password_here": "5/5m/key",
    "password_elsewhere": "100/h/key",
    "code_here": "5/5m/key",
    "code_elsewhere": "100/h/key",
    "reset_here": "5/h/key",
    "reset_elsewhere": "10/h/key",
}
MFA_ADAPTER = "portal.platform.accounts.adapter.MFAAdapter"
MFA_FORMS = {
    "authenticate": "portal.platform.accounts.allauth_forms.AuthenticateForm",
    "reauthenticate": "portal.platform.accounts.allauth_forms.ReauthenticateByCodeForm",
    "activate_totp": "portal.platform.accounts.allauth_forms.ActivateTOTPForm",
    "add_webauthn": "portal.platform.accounts.passkey_forms.AddWebAuthnForm",
    "authenticate_webauthn": "portal.platform.accounts.passkey_forms.AuthenticateWebAuthnForm",
    "login_webauthn": "portal.platform.accounts.passkey_forms.LoginWebAuthnForm",
    "reauthenticate_webauthn": "portal.platform.accounts.passkey_forms.ReauthenticateWebAuthnForm",
    "edit_webauthn": "portal.platform.accounts.allauth_forms.EditWebAuthnForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Gatehouse"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not ENV.is_https
USERSESSIONS_TRACK_ACTIVITY = True
REQUIRE_STAFF_MFA = not ENV.demo
SOCIALACCOUNT_ADAPTER = "portal.platform.accounts.adapter.SocialAccountAdapter"
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
_PROVIDERS = find_providers(ENV)
INSTALLED_APPS += _PROVIDERS.apps
SOCIALACCOUNT_PROVIDERS = _PROVIDERS.settings
SIGN_IN_ORIGINS = _PROVIDERS.origins

# --- Mail ----------------------------------------------------------------------------
DEFAULT_FROM_EMAIL = ENV.default_from_email
SERVER_EMAIL = ENV.default_from_email
EMAIL_HOST = ENV.email_host
EMAIL_PORT = ENV.email_port
EMAIL_HOST_USER = ENV.email_host_user
EMAIL_HOST_PASSWORD = ENV.email_host_password
EMAIL_USE_TLS = ENV.email_use_tls
EMAIL_TIMEOUT = 20
if ENV.demo:
    EMAIL_BACKEND = "portal.platform.mailbox.backend.MailboxBackend"
elif ENV.anymail_backend:
    INSTALLED_APPS.append("anymail")
    EMAIL_BACKEND = "portal.platform.core.mail_service.EmailBackend"
    ANYMAIL_BACKEND = ENV.anymail_backend
    ANYMAIL = {f"{ENV.anymail_backend.upper()}_API_KEY": ENV.anymail_api_key}
else:
    EMAIL_BACKEND = "portal.platform.core.mail.EmailBackend"

# --- Browser security ----------------------------------------------------------------
SECURE_SSL_REDIRECT = ENV.is_https
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if ENV.is_https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = ENV.is_https
SECURE_HSTS_PRELOAD = ENV.is_https
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV.trusted_proxies else None
SESSION_COOKIE_SECURE = ENV.is_https
CSRF_COOKIE_SECURE = ENV.is_https
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "portal.platform.core.views.csrf_failure"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF, *SIGN_IN_ORIGINS],
        "manifest-src": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Queue ---------------------------------------------------------------------------
CELERY_BROKER_URL = ENV.celery_broker_url
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_DEFAULT_QUEUE = "portal"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULER = "portal.config.beat:PatientScheduler"
CELERY_BEAT_SCHEDULE = BEAT_SCHEDULE

# --- Request bodies ------------------------------------------------------------------
REQUEST_BODIES = limit_bodies(batch_file_mb=ENV.batch_file_mb)
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 2**20
# On disk: /tmp is memory in the containers. Django refuses a missing folder.
FILE_UPLOAD_TEMP_DIR = str(VAR_DIR)
VAR_DIR.mkdir(parents=True, exist_ok=True)

# --- Limits --------------------------------------------------------------------------
QUEUE_LIMIT = ENV.queue_limit
JOBS_PER_USER = ENV.jobs_per_user
API_JOBS_PER_USER = ENV.api_jobs_per_user
API_READ_MB_PER_MINUTE = ENV.api_read_mb_per_minute
DAILY_TOKEN_QUOTA = ENV.daily_token_quota
QUEUE_DEADLINE_SECONDS = ENV.queue_deadline_seconds
RUN_DEADLINE_SECONDS = ENV.run_deadline_seconds
BATCH_FILE_MB = ENV.batch_file_mb
BATCH_ROWS = ENV.batch_rows
FILES_PER_USER = ENV.files_per_user
FILE_MB_PER_USER = ENV.file_mb_per_user
WEIGHTS_DIR = ENV.weights_dir
WEIGHTS_DELIVERY = ENV.weights_delivery
WEIGHTS_GB_PER_DAY = ENV.weights_gb_per_day
WEIGHTS_STREAMS = ENV.weights_streams
PROMPT_RETENTION_DAYS = ENV.prompt_retention_days
GRANT_DEFAULT_DAYS = ENV.grant_default_days
DECISION_HOLD_SECONDS = ENV.decision_hold_seconds
REAPPLY_AFTER_DAYS = ENV.reapply_after_days
NOTICE_DIGEST_HOUR = ENV.notice_digest_hour
AFFILIATION_LIST = ENV.affiliation_list
COUNTRIES_OVERRIDE = {"XK": "Kosovo"}
"""ISO 3166-1 leaves XK to its users, who use it for Kosovo; people there need it in the list."""
COUNTRY_LIST = ENV.country_list
COUNTRY_HEADER = ENV.country_header
TEAM_MEMBERS = ENV.team_members
VOUCH_RETENTION_DAYS = ENV.vouch_retention_days
WEBHOOK_NETWORKS = ENV.webhook_networks
RENEWAL_WINDOW_DAYS = ENV.renewal_window_days
RENEWAL_LATE_DAYS = ENV.renewal_late_days
RETURNED_CLOSE_DAYS = ENV.returned_close_days

# --- Retention -----------------------------------------------------------------------
DRAFT_RETENTION_DAYS = ENV.draft_retention_days
REFUSED_RETENTION_DAYS = ENV.refused_retention_days
READ_NOTICE_RETENTION_DAYS = ENV.read_notice_retention_days
UNVERIFIED_ACCOUNT_DAYS = ENV.unverified_account_days
DEMO_MAIL_RETENTION_DAYS = ENV.demo_mail_retention_days
ERASURE_WAIT_DAYS = ENV.erasure_wait_days

# --- Metrics and traces --------------------------------------------------------------
METRICS_TOKEN = ENV.metrics_token
OTEL_EXPORTER_OTLP_ENDPOINT = ENV.otel_exporter_otlp_endpoint
CARBON_INTENSITY_G_PER_KWH = ENV.carbon_intensity_g_per_kwh

# --- Logs ----------------------------------------------------------------------------
LOGGING_CONFIG = None
configure_logging(level=ENV.log_level, log_format=ENV.log_format)
