"""Closed loop with locust's FastHttpUser: `python with_locust.py URL USERS SECONDS` prints one JSON object.

Run by the interpreter that has locust; `cpu_s` and `user_s` are those of the load alone, without start-up.
"""

from __future__ import annotations

import json
import os
import sys

import gevent
from locust import FastHttpUser, constant, task
from locust.env import Environment

URL, USERS, SECONDS = sys.argv[1].rstrip("/"), int(sys.argv[2]), float(sys.argv[3])


class Caller(FastHttpUser):
    host = URL
    wait_time = constant(0)

    @task
    def get(self) -> None:
        self.client.get("/")


environment = Environment(user_classes=[Caller])
runner = environment.create_local_runner()
runner.start(USERS, spawn_rate=USERS)
gevent.sleep(1)
environment.stats.reset_all()
before = os.times()
gevent.sleep(SECONDS)
after = os.times()
total = environment.stats.total
assert total.num_failures == 0, total.num_failures
user = after.user - before.user
cpu = user + after.system - before.system
print(json.dumps({"requests": total.num_requests, "cpu_s": cpu, "user_s": user}))
runner.quit()
