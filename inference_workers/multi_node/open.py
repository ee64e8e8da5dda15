"""Chooses this host's side of the link."""

from __future__ import annotations

from inference_workers.deployments import Deployment
from inference_workers.multi_node.follower import FollowerLink
from inference_workers.multi_node.leader import LeaderLink
from inference_workers.multi_node.link import NodeLink, SingleNode
from inference_workers.multi_node.node import Node


def open_link(node: Node | None, deployment: Deployment) -> NodeLink:
    """The link of this host. Call this inside the event loop."""
    if node is None:
        return SingleNode()
    return FollowerLink(node, deployment) if node.is_headless else LeaderLink(node, deployment)
