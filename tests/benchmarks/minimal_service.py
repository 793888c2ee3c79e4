"""A minimal FastAPI and SQLAlchemy service, which the benchmark measures `orders` against.

The service reads one order by its id from the same database. Its libraries have their defaults otherwise.
"""

import os
from datetime import datetime

import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import URL, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine(
    URL.create(
        "mysql+pymysql",
        username=os.environ["DATABASE_USER"],
        password=os.environ["DATABASE_PASSWORD"],
        host=os.environ["DATABASE_HOST"],
        port=int(os.environ["DATABASE_PORT"]),
        database=os.environ["DATABASE_NAME"],
    ),
    pool_size=20,  # the default of 5 would open and close connections all the time
)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class OrderRow(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str]
    quantity: Mapped[int]
    created_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]


class Order(BaseModel, from_attributes=True):
    id: int
    item: str
    quantity: int
    created_at: datetime
    cancelled_at: datetime | None


@app.get("/orders/{order_id}")
def get_order(order_id: int) -> Order:
    with Session(engine) as session:
        row = session.get(OrderRow, order_id)
        if row is None:
            raise HTTPException(404)
        return Order.model_validate(row)


if __name__ == "__main__":
    uvicorn.run(app, host="0.0.0.0", port=8080)  # noqa: S104  a container serves its network
