"""Settings of a job over a thousand users."""

from service.precompute.job import JobSettings

SETTINGS = JobSettings(
    model_version="1",
    catalogue_serial=0,
    surface="home",
    surface_settings="",
    limit=None,
    seed=0,
    history_cap=10,
    users=1000,
    user_list="",
    users_per_shard=70,
)
