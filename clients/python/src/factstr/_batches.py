"""Converts exported batches to documents, and documents to records."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Dict, Mapping, Union

from ._records import (EventRecord, ExportedBatch, ImportedEvent, LogStatus, Redaction, StreamStatus, read_time,
                       write_time)


def read_batch(document: Mapping[str, Any]) -> ExportedBatch:
    """The batch that a document of an export describes."""
    redactions = []
    records = []
    for one in document['event_records']:
        number = one['sequence_number']
        records.append(EventRecord(number, read_time(one['occurred_at']), one['event_type'], one['payload'],
                                   one.get('metadata')))
        redactions += [read_redaction({**redaction, 'sequence_number': number})
                       for redaction in one.get('redactions', [])]
    return ExportedBatch(document['first_sequence_number'], document['last_sequence_number'], tuple(records),
                         document.get('idempotency_key'), tuple(redactions))


def read_redaction(document: Mapping[str, Any]) -> Redaction:
    """The redaction that a document describes."""
    return Redaction(document['sequence_number'], read_time(document['redacted_at']), document['redacted_by'],
                     document['reason'])


def _record_document(record: Union[EventRecord, ImportedEvent], batch: ExportedBatch) -> Dict[str, Any]:
    document = {'occurred_at': write_time(record.occurred_at), 'event_type': record.event_type,
                'payload': record.payload}
    if isinstance(record, EventRecord):
        document['sequence_number'] = record.sequence_number
        redactions = [{'redacted_at': write_time(one.redacted_at), 'redacted_by': one.redacted_by,
                       'reason': one.reason}
                      for one in batch.redactions if one.sequence_number == record.sequence_number]
        if redactions:
            document['redactions'] = redactions
    if record.metadata is not None:
        document['metadata'] = record.metadata
    return document


def batch_document(batch: ExportedBatch) -> Dict[str, Any]:
    """The document of a batch for an import."""
    document: Dict[str, Any] = {'event_records': [_record_document(one, batch) for one in batch.event_records]}
    if batch.first_sequence_number is not None:
        document['first_sequence_number'] = batch.first_sequence_number
    if batch.last_sequence_number is not None:
        document['last_sequence_number'] = batch.last_sequence_number
    if batch.idempotency_key is not None:
        document['idempotency_key'] = batch.idempotency_key
    return document


def read_log(document: Mapping[str, Any]) -> LogStatus:
    """The log that a document describes."""
    created_at, sealed_at = (None if document[key] is None else read_time(document[key])
                             for key in ('created_at', 'sealed_at'))
    return LogStatus(document['log'], created_at, document['created_by'], sealed_at, document['sealed_by'])


def read_status(document: Mapping[str, Any]) -> StreamStatus:
    """The state of a durable stream that a document describes."""
    times = {key: None if document[key] is None else read_time(document[key])
             for key in ('last_success_at', 'last_failed_at', 'retry_at')}
    return StreamStatus(
        name=document['name'],
        event_query=document['event_query'],
        cursor_sequence_number=document['cursor_sequence_number'],
        head_sequence_number=document['head_sequence_number'],
        lag_facts=document['lag_facts'],
        lag=timedelta(microseconds=document['lag_us']),
        failure_count=document['failure_count'],
        last_error=document['last_error'],
        active=document['active'],
        **times)
