"""What is kept of an answer, for training."""

from features.served_features import Head, ServedFeatures
from ranking.snapshot import Snapshot
from service.answer import Answer


def record_of(
    request_id: str, timestamp_ms: int, answer: Answer, snapshot: Snapshot
) -> ServedFeatures:
    """Return the rows that were scored, with who asked, what came of it, and by which model."""
    ids = snapshot.catalogue.ids
    head = Head(
        request_id=request_id,
        timestamp_ms=timestamp_ms,
        user_id=answer.query.user_id,
        surface=answer.plan.name,
        variant=answer.plan.variant,
        model_version=snapshot.version,
        columns=snapshot.scorer.columns,
        item_ids=tuple([ids[item] for item in answer.block.items.tolist()]),
        picks=tuple(answer.slate.picks.tolist()),
    )
    return ServedFeatures(head, answer.block.rows, answer.scores)
