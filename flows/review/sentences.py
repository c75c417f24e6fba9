"""How a proposal came about, in sentences for HR, from its trace (policy §4, last paragraph)."""

from flows.results import Proposal
from flows.wording import describe_proposal_reasons

RECKONING_CLAUSES = ("§4.credit_months", "§4.entitled", "§4.current")


def explain_decision(proposal: Proposal) -> str:
    """What is suggested and every reason for it, a sentence each."""
    if not proposal.trace:
        return describe_proposal_reasons(proposal.reasons)
    return f"{proposal.trace[-1].effect}。{describe_proposal_reasons(proposal.reasons)}"


def explain_reckoning(proposal: Proposal) -> str:
    """How the entitled grade was reckoned, in one sentence; empty without a trace."""
    effects = [step.effect for step in proposal.trace if step.clause in RECKONING_CLAUSES]
    return f"{'；'.join(effects)}。" if effects else ""
