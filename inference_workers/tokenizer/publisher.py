"""Keeps the deployment's tokenizer on the broker, where the portal finds it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from redis.asyncio import Redis

from inference_workers.broker.connections import BROKER_ERRORS
from inference_workers.config import LauncherSettings
from inference_workers.contract import (
    HEARTBEAT_SECONDS,
    ChatTemplate,
    TokenizerConfig,
    chat_template_key,
    tokenizer_config_key,
    tokenizer_key,
)
from inference_workers.deployments import Deployment
from inference_workers.generation.generator import Generator
from inference_workers.logs import get_logger
from inference_workers.tokenizer.chat_templates import load_chat_template
from inference_workers.tokenizer.config import read_tokenizer_config
from inference_workers.tokenizer.files import FoundTokenizer, TokenizerCodec, load_tokenizer

log = get_logger(__name__)


@dataclass(frozen=True)
class _Files:
    """The published files, all from one folder."""

    tokenizer: str
    config: TokenizerConfig
    template: ChatTemplate | None


class TokenizerPublisher:
    """Reads the tokenizer once it is available, and keeps a copy on the broker."""

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
        self._files: _Files | None = None
        self._is_news = True

    async def run(self) -> None:
        while True:
            try:
                await self.publish()
            except BROKER_ERRORS as error:
                log.warning("tokenizer_not_published", error=type(error).__name__)
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def publish(self) -> None:
        """Publish once, and again if the broker has lost it. Without files, do nothing."""
        if self._files is None and not await self.load():
            return
        files, name = self._files, self._deployment.queue_name
        if files and (self._is_news or not await self._redis.exists(tokenizer_key(name))):
            pipeline = self._redis.pipeline(transaction=True)
            pipeline.set(tokenizer_config_key(name), files.config.model_dump_json())
            pipeline.set(tokenizer_key(name), files.tokenizer)
            if files.template is None:
                pipeline.delete(chat_template_key(name))
            else:
                pipeline.set(chat_template_key(name), files.template.model_dump_json())
            await pipeline.execute()
            self._is_news = False

    async def load(self) -> bool:
        """Read the files, off the event loop; False while they are not on this host."""
        found = await asyncio.to_thread(load_tokenizer, self._settings, self._deployment)
        if found is None:
            return False
        self._files = await asyncio.to_thread(_read, found)
        codec = TokenizerCodec(found.tokenizer)
        self._generator.decoder = codec
        self._generator.prompts.learn(codec)
        return True


def _read(found: FoundTokenizer) -> _Files:
    return _Files(
        tokenizer=found.tokenizer.to_str(),
        config=read_tokenizer_config(found),
        template=load_chat_template(found.folder),
    )
