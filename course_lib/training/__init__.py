"""Training: the loop, its record, early stopping, checkpoints, a look at the gradients; models of sequences,
and what people prefer.
"""

from course_lib.training.best_of_n import BestOfN, best_of_n, best_of_n_kl
from course_lib.training.bucketing import BucketBatches, trim_padding
from course_lib.training.checkpoint import CheckpointError, load_checkpoint, read_checkpoint, save_checkpoint
from course_lib.training.early_stopping import EarlyStopping
from course_lib.training.evaluation import evaluate
from course_lib.training.fit import fit
from course_lib.training.gradients import gradient_norms
from course_lib.training.history import History
from course_lib.training.measures import accuracy, cross_entropy
from course_lib.training.ppo import PPO, Rollout
from course_lib.training.ppo_losses import (
    generalized_advantages,
    kl_divergence,
    kl_penalty,
    ppo_loss,
    token_log_probs,
    token_rewards,
)
from course_lib.training.recorded import recorded
from course_lib.training.reward_model import (
    fit_reward_model,
    preference_agreement,
    preference_loss,
    ranking_loss,
)
from course_lib.training.run import DivergenceError
from course_lib.training.teach import mean_loss, teach, teacher_forcing_loss

__all__ = [
    "PPO",
    "BestOfN",
    "BucketBatches",
    "CheckpointError",
    "DivergenceError",
    "EarlyStopping",
    "History",
    "Rollout",
    "accuracy",
    "best_of_n",
    "best_of_n_kl",
    "cross_entropy",
    "evaluate",
    "fit",
    "fit_reward_model",
    "generalized_advantages",
    "gradient_norms",
    "kl_divergence",
    "kl_penalty",
    "load_checkpoint",
    "mean_loss",
    "ppo_loss",
    "preference_agreement",
    "preference_loss",
    "ranking_loss",
    "read_checkpoint",
    "recorded",
    "save_checkpoint",
    "teach",
    "teacher_forcing_loss",
    "token_log_probs",
    "token_rewards",
    "trim_padding",
]
