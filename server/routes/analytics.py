"""Figures: each answer is a function of rollups of one consistent moment."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Query
from msgspec.structs import asdict, replace

from financeops.core import metrics as figures
from financeops.core.contract import paths
from financeops.core.contract.agreements import FEED_LENGTH
from financeops.core.contract.analytics import (
    DeclineAnswer,
    MethodAnswer,
    MetricsAnswer,
    RollupsAnswer,
    SnapshotAnswer,
    TrendAnswer,
)
from financeops.core.contract.forms import Instant
from financeops.core.errors import InvalidValue
from financeops.core.periods import Period, Window
from financeops.core.rollup import Rollup
from financeops.core.wire import (
    bucket_document,
    declines_document,
    methods_document,
    metrics_document,
    payment_document,
    rollup_document,
    trends_document,
)
from financeops.store.reading.questions import Answer, Question
from server.dependencies import Here, Services
from server.http.description import answers
from server.http.parameters import (
    AnalyticsParameters,
    MetricsParameters,
    PeriodParameters,
    SnapshotParameters,
)
from server.http.responses import Json

router = APIRouter(tags=["analytics"], default_response_class=Json)

Ends: TypeAlias = tuple[datetime | None, datetime | None]
"""First and last moment of a window, None for an end that is open."""


@router.get(paths.METRICS, responses=answers(MetricsAnswer, 404, 503))
async def read_metrics(services: Here, params: Annotated[MetricsParameters, Query()]) -> Json:
    """Key figures, over all time unless a period or a window is given."""
    question = _question(services, params, period=params.period)
    answer = await services.reader.answer(question, as_of=services.now(), compare=params.compare)
    document = _metrics(answer, answer.rollup, _window_of(question, answer))
    return Json(replace(document, previous=_previous(answer)) if params.compare else document)


@router.get(paths.TRENDS, responses=answers(list[TrendAnswer], 404, 503))
async def read_trends(services: Here, params: Annotated[PeriodParameters, Query()]) -> Json:
    """Volume, count and success rate of each bucket, oldest first, empty ones included."""
    question = _question(services, params, period=params.cut_period)
    answer = await services.reader.answer(question, as_of=services.now(), in_buckets=True)
    return Json(_trends(answer))


@router.get(paths.METHODS, responses=answers(list[MethodAnswer], 404, 503))
async def read_methods(services: Here, params: Annotated[AnalyticsParameters, Query()]) -> Json:
    """Figures of each payment method, most attempts first."""
    question = _question(services, params, period=params.period)
    answer = await services.reader.answer(question, as_of=services.now())
    return Json(_methods(answer))


@router.get(paths.DECLINES, responses=answers(list[DeclineAnswer], 404, 503))
async def read_declines(services: Here, params: Annotated[AnalyticsParameters, Query()]) -> Json:
    """Why payments failed, most frequent reason first."""
    question = _question(services, params, period=params.period)
    answer = await services.reader.answer(question, as_of=services.now())
    return Json(_declines(answer))


@router.get(paths.SNAPSHOT, responses=answers(SnapshotAnswer, 404, 503))
async def read_snapshot(services: Here, params: Annotated[SnapshotParameters, Query()]) -> Json:
    """All that a dashboard needs to start, of one moment: events after `seq` continue it."""
    question = _question(services, params, period=params.cut_period)
    answer = await services.reader.answer(
        question, as_of=services.now(), in_buckets=True, compare=True, payments=FEED_LENGTH
    )
    document = SnapshotAnswer(
        metrics=_metrics(answer, answer.rollup, answer.window),
        previous=_previous(answer),
        trends=_trends(answer),
        methods=_methods(answer),
        declines=_declines(answer),
        payments=[payment_document(payment) for payment in answer.payments],
        seq=answer.tenant.seq,
        as_of=Instant.of(answer.as_of),
        rollups=_rollups(answer) if params.rollups else None,
    )
    return Json(document)


def _question(
    services: Services, params: AnalyticsParameters, *, period: Period | None
) -> Question:
    if params.method is not None and params.method not in services.settings.methods:
        known = ", ".join(sorted(services.settings.methods))
        raise InvalidValue("method", f"must be one of {known}")
    return Question(
        tenant_id=params.tenant_id,
        currency=params.currency,
        method=params.method,
        timezone=params.timezone,
        period=period,
        start=params.start,
        end=params.end,
    )


def _window_of(question: Question, answer: Answer) -> Ends:
    """What the figures cover; None for an end that is open."""
    if question.period is not None and answer.window is not None:
        return answer.window.start, answer.window.end
    return question.start, question.end


def _metrics(answer: Answer, rollup: Rollup, window: Window | Ends | None) -> MetricsAnswer:
    assert window is not None, "what is cut into buckets has a window"
    start, end = (window.start, window.end) if isinstance(window, Window) else window
    return MetricsAnswer(
        **asdict(metrics_document(figures.metrics(rollup, currency=answer.currency))),
        timezone=answer.timezone,
        start=None if start is None else Instant.of(start),
        end=None if end is None else Instant.of(end),
        seq=answer.tenant.seq,
        currencies=list(answer.currencies),
    )


def _previous(answer: Answer) -> MetricsAnswer:
    assert answer.previous is not None, "a comparison was asked for"
    return _metrics(answer, answer.previous, answer.previous_window)


def _trends(answer: Answer) -> list[TrendAnswer]:
    points = figures.trends(answer.buckets, answer.bucket_rollups)
    return trends_document(points, currency=answer.currency)


def _methods(answer: Answer) -> list[MethodAnswer]:
    return methods_document(figures.methods(answer.rollup), currency=answer.currency)


def _declines(answer: Answer) -> list[DeclineAnswer]:
    return declines_document(figures.declines(answer.rollup), currency=answer.currency)


def _rollups(answer: Answer) -> RollupsAnswer:
    assert answer.previous is not None, "a snapshot compares"
    assert answer.previous_window is not None, "a snapshot compares"
    return RollupsAnswer(
        buckets=[
            bucket_document(bucket, rollup)
            for bucket, rollup in zip(answer.buckets, answer.bucket_rollups, strict=True)
        ],
        previous=rollup_document(answer.previous),
        previous_from=Instant.of(answer.previous_window.start),
        previous_to=Instant.of(answer.previous_window.end),
    )
