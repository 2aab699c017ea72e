"""A stand-in of Weights & Biases."""

from foundry.testing.wandb_service.application import Request
from foundry.testing.wandb_service.faults import Fault
from foundry.testing.wandb_service.service import WandbService
from foundry.testing.wandb_service.state import StoredArtifact, StoredFile, StoredRun, StoredVersion

__all__ = ["Fault", "Request", "StoredArtifact", "StoredFile", "StoredRun", "StoredVersion", "WandbService"]
