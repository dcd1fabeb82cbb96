"""Load processes on several machines: `--shards dask://host:port`.

    coordinator                    a machine of the cluster
    far_shard.FarShard  ── dask ──▶ relay.relay ── pipe ──▶ agent.py ── shard.Shard ── the load process
       writes what comes into the columns of the stretch      reads its columns

`FarShard` is what `probes.load.shard.Shard` is for a load process of this machine. The carrier in between
(`dask_cluster.py`) knows nothing of load: it hands on messages, and any other carrier would do.
"""
