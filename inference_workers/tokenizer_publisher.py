"""Keep the deployment's tokenizer where the portal finds it."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis

from inference_workers.broker import BROKER_ERRORS
from inference_workers.chat_templates import load_chat_template
from inference_workers.config import LauncherSettings
from inference_workers.contract import HEARTBEAT_SECONDS, chat_template_key, tokenizer_key
from inference_workers.deployments import Deployment
from inference_workers.generation import Generator
from inference_workers.logs import get_logger
from inference_workers.tokenizer_files import TokenizerCodec, load_tokenizer

log = get_logger(__name__)


class TokenizerPublisher:
    """Reads the tokenizer once it is there, and keeps a copy where the portal finds it."""

    def __init__(
        self,
        redis: Redis,
        *,
        settings: LauncherSettings,
        deployment: Deployment,
        generator: Generator,
    ) -> None:
        self._redis = redis
        self._settings = settings
        self._deployment = deployment
        self._generator = generator
        self._json: str | None = None

    async def run(self) -> None:
        while True:
            try:
                await self.publish()
            except BROKER_ERRORS as error:
                log.warning("tokenizer_not_published", error=type(error).__name__)
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def publish(self) -> None:
        """Publish unless it is there; without files on this host, do nothing."""
        if self._json is None and not await self.load():
            return
        name = self._deployment.queue_name
        if not await self._redis.exists(tokenizer_key(name)):
            await self._redis.set(tokenizer_key(name), self._json or "")
            await self._publish_template()

    async def _publish_template(self) -> None:
        key = chat_template_key(self._deployment.queue_name)
        folder = self._settings.weights_folder(self._deployment)
        template = await asyncio.to_thread(load_chat_template, folder)
        if template is None:
            await self._redis.delete(key)
        else:
            await self._redis.set(key, template.model_dump_json())

    async def load(self) -> bool:
        """Read the files, off the loop; False while they are not on this host."""
        tokenizer = await asyncio.to_thread(load_tokenizer, self._settings, self._deployment)
        if tokenizer is None:
            return False
        self._json = await asyncio.to_thread(tokenizer.to_str)
        codec = TokenizerCodec(tokenizer)
        self._generator.decoder = codec
        self._generator.prompts.learn(codec)
        return True
