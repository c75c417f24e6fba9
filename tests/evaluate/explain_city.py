"""The tiny city's March explained: what the tests of explanations share."""

from memory_view import MemoryView
from star_city import ALL_PRESENT, MARCH, community, community_row, shipped_policy

from flows.evaluate.communities import assess_communities
from flows.evaluate.explain.community import CommunityExplanation, explain_community
from flows.results import SourceStatus


def explain(*, with_events: bool = True, missing: tuple[str, ...] = (), **rows: object) -> CommunityExplanation:
    """The home community's March from these rows."""
    view = MemoryView(**{"communities": [community_row()], **rows})
    policy_at = shipped_policy().at(MARCH.last_on)
    presence = {**ALL_PRESENT, **dict.fromkeys(missing, False)}
    assessment = assess_communities(view, policy_at, MARCH, presence)
    return explain_community(
        view,
        assessment,
        policy_at,
        community(),
        sources=[SourceStatus(name, "complete" if held else "missing", "pull 1") for name, held in presence.items()],
        ratings=assessment.ratings,
        with_events=with_events,
    )
