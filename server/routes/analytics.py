"""Figures: each answer is computed from the rollups of one consistent moment."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from msgspec.structs import asdict, replace

from financeops.core import metrics as figures
from financeops.core.breakdown import breakdown
from financeops.core.contract import paths
from financeops.core.contract.agreements import FEED_LENGTH
from financeops.core.contract.analytics import (
    BreakdownAnswer,
    DeclineAnswer,
    DetailsAnswer,
    MethodAnswer,
    MetricsAnswer,
    RollupsAnswer,
    SnapshotAnswer,
    TrendAnswer,
    UnconvertedAnswer,
)
from financeops.core.contract.forms import Instant
from financeops.core.dimensions import OTHER_VALUE, Dimension
from financeops.core.periods import Window
from financeops.core.questions import Question
from financeops.core.rollup import DIMENSIONS, Rollup, as_document
from financeops.core.windows import ends_of
from financeops.core.wire import (
    breakdown_document,
    bucket_document,
    declines_document,
    methods_document,
    metrics_document,
    payment_document,
    rollup_document,
    trends_document,
)
from financeops.store.reading.answers import Answer
from server.dependencies import Here, Services
from server.http.description import answers
from server.http.parameters import (
    AnalyticsParameters,
    BreakdownParameters,
    BucketParameters,
    MetricsParameters,
    SnapshotParameters,
)
from server.http.responses import Json
from server.methods import unknown_method

router = APIRouter(tags=["analytics"], default_response_class=Json)


@router.get(paths.METRICS, responses=answers(MetricsAnswer, 404, 503))
async def read_metrics(services: Here, params: Annotated[MetricsParameters, Query()]) -> Json:
    """Key figures, over all time unless a period or a window is given."""
    answer = await services.reader.answer(
        params.tenant_id, _question(services, params), as_of=services.now(), compare=params.compare
    )
    document = _metrics(answer, answer.rollup, answer.window)
    return Json(replace(document, previous=_previous(answer)) if params.compare else document)


@router.get(paths.TRENDS, responses=answers(list[TrendAnswer], 404, 503))
async def read_trends(services: Here, params: Annotated[BucketParameters, Query()]) -> Json:
    """Volume, count and success rate of each bucket, oldest first, empty ones included."""
    answer = await services.reader.answer(
        params.tenant_id, _question(services, params), as_of=services.now(), in_buckets=True
    )
    return Json(_trends(answer))


@router.get(paths.METHODS, responses=answers(list[MethodAnswer], 404, 503))
async def read_methods(services: Here, params: Annotated[AnalyticsParameters, Query()]) -> Json:
    """Figures of each payment method, most attempts first."""
    question = _question(services, params)
    answer = await services.reader.answer(params.tenant_id, question, as_of=services.now())
    return Json(_methods(answer))


@router.get(paths.DECLINES, responses=answers(list[DeclineAnswer], 404, 503))
async def read_declines(services: Here, params: Annotated[AnalyticsParameters, Query()]) -> Json:
    """Why payments failed, most frequent reason first."""
    question = _question(services, params)
    answer = await services.reader.answer(params.tenant_id, question, as_of=services.now())
    return Json(_declines(answer))


@router.get(paths.BREAKDOWN, responses=answers(list[BreakdownAnswer], 404, 503))
async def read_breakdown(services: Here, params: Annotated[BreakdownParameters, Query()]) -> Json:
    """Figures of each value of a dimension, most attempts first.

    Payments without a value are the row of null, so that all rows together are all payments. A
    tenant's first 200 values of a dimension are counted by themselves, further ones as `other`.
    """
    answer = await services.reader.answer(
        params.tenant_id,
        _question(services, params),
        as_of=services.now(),
        details=params.by is not Dimension.METHOD,
    )
    rows = breakdown(answer.rollup, params.by)
    return Json(breakdown_document(rows, currency=answer.currency))


@router.get(paths.SNAPSHOT, responses=answers(SnapshotAnswer, 404, 503))
async def read_snapshot(services: Here, params: Annotated[SnapshotParameters, Query()]) -> Json:
    """All that a dashboard needs to start, of one moment: events after `seq` continue it."""
    answer = await services.reader.answer(
        params.tenant_id,
        _question(services, params),
        as_of=services.now(),
        in_buckets=True,
        compare=True,
        details=_counts_by(params) is not None,
        payments=FEED_LENGTH,
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
        rollups=_rollups(answer, by=_counts_by(params), others=_others(params))
        if params.rollups
        else None,
    )
    return Json(document)


def _question(services: Services, params: AnalyticsParameters) -> Question:
    question = params.question()
    if question.method is not None and question.method not in services.settings.methods:
        raise unknown_method(services, question.method)
    return question


def _metrics(answer: Answer, rollup: Rollup, window: Window) -> MetricsAnswer:
    start, end = ends_of(window)
    return MetricsAnswer(
        **asdict(metrics_document(figures.metrics(rollup, currency=answer.currency))),
        timezone=answer.timezone,
        start=None if start is None else Instant.of(start),
        end=None if end is None else Instant.of(end),
        seq=answer.tenant.seq,
        currencies=list(answer.currencies),
        unconverted=_unconverted(rollup) if answer.reporting else None,
    )


def _unconverted(rollup: Rollup) -> UnconvertedAnswer:
    count, currencies = figures.unconverted(rollup)
    return UnconvertedAnswer(count=count, currencies=currencies)


def _previous(answer: Answer) -> MetricsAnswer:
    assert answer.previous is not None, "the question compares"
    assert answer.previous_window is not None, "the question compares"
    return _metrics(answer, answer.previous, answer.previous_window)


def _trends(answer: Answer) -> list[TrendAnswer]:
    points = figures.trends(answer.buckets, answer.bucket_rollups)
    return trends_document(points, currency=answer.currency)


def _methods(answer: Answer) -> list[MethodAnswer]:
    return methods_document(figures.methods(answer.rollup), currency=answer.currency)


def _declines(answer: Answer) -> list[DeclineAnswer]:
    return declines_document(figures.declines(answer.rollup), currency=answer.currency)


def _counts_by(params: SnapshotParameters) -> Dimension | None:
    """The dimension by which a snapshot's rollups count, besides by method, as all do."""
    return params.by if params.rollups and params.by is not Dimension.METHOD else None


def _others(params: SnapshotParameters) -> list[str]:
    """The dimensions of which a snapshot is of the values that are not counted by themselves."""
    return [name for name, value in params.facets if value == OTHER_VALUE]


def _rollups(answer: Answer, *, by: Dimension | None, others: list[str]) -> RollupsAnswer:
    assert answer.previous is not None, "a snapshot compares"
    assert answer.previous_window is not None, "a snapshot compares"
    return RollupsAnswer(
        buckets=[
            bucket_document(bucket, rollup.without_details)
            for bucket, rollup in zip(answer.buckets, answer.bucket_rollups, strict=True)
        ],
        previous=rollup_document(answer.previous.without_details),
        previous_from=Instant.of(answer.previous_window.start),
        previous_to=Instant.of(answer.previous_window.end),
        details=None if by is None else _details(answer, by),
        listed={name: sorted(answer.listed.get(name, ())) for name in others} or None,
    )


def _details(answer: Answer, by: Dimension) -> DetailsAnswer:
    counts = as_document(answer.rollup.of_dimension(by))
    return DetailsAnswer(
        by=by, listed=sorted(answer.listed.get(by, ())), dimensions=counts.get(DIMENSIONS, {})
    )
