"""FlowHook: an Airflow connection becomes the address of a Flow collection, and nothing else."""

from __future__ import annotations

import asyncio

from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk.exceptions import AirflowNotFoundException

from include.dedupe.connect import address_from_connection
from include.dedupe.errors import ConfigError
from include.flow_client import FlowAddress, FlowAddressError, FlowClient, FlowError


class FlowHook(HttpHook):
    """Leads to one collection of a Flow, through an Airflow connection of type HTTP.

    Scans hold many requests in flight, so they use the address with a client of their own instead of this
    hook's session.
    """

    def __init__(self, flow_conn_id: str, collection: str) -> None:
        super().__init__(http_conn_id=flow_conn_id)
        self.collection = collection

    def get_address(self) -> FlowAddress:
        """Return host, login, TLS and time limit as the connection gives them.

        Raises:
            ConfigError: Airflow has no such connection.
            FlowAddressError: it leads to no Flow.
        """
        try:
            connection = self.get_connection(self.http_conn_id)
        except AirflowNotFoundException as error:
            raise ConfigError(
                f"Airflow has no connection {self.http_conn_id!r}: add one of type HTTP, "
                f"or set AIRFLOW_CONN_{self.http_conn_id.upper()}, for example to http://localhost:8983."
            ) from error
        fields = {name: getattr(connection, name) for name in ("host", "port", "schema", "login", "password")}
        try:
            return address_from_connection({**fields, "extra": connection.extra_dejson}, self.collection)
        except FlowAddressError as error:
            raise FlowAddressError(
                f"Airflow's connection {self.http_conn_id!r} leads to no Flow (a URL needs its http://): "
                f"{error}"
            ) from error

    def test_connection(self) -> tuple[bool, str]:
        """Ask Flow for the collection."""

        async def ask() -> int:
            async with FlowClient(self.get_address()) as client:
                return await client.count()

        try:
            return True, f"The collection {self.collection} holds {asyncio.run(ask())} documents."
        except FlowError as error:
            return False, str(error)
