"""The formulas of the page Maths, forward and backward; typeset by ``make formulas``."""

from __future__ import annotations

FIRST = "Sum0"  #: the sum of the embedding, beside those of the residual connections
FORWARD = {
    FIRST: r"x = \sqrt{E}\;e_{\mathrm{token}} + p_{\mathrm{position}}",
    "Queries": r"Q = X\,W_q + b_q",
    "Keys": r"K = X\,W_k + b_k",
    "Values": r"V = X\,W_v + b_v",
    "Scores": r"S = \frac{Q\,K^{\top}}{\sqrt{d}}",
    "Softmax": r"A = \mathrm{softmax}(S + M)",
    "Head": r"H = A\,V",
    "Concat": r"O = [H_1, H_2, \ldots]\,W_o + b_o",
    "Sum": r"y = x + f(x)",
    "Norm": r"z = \gamma\,\frac{y-\mu}{\sqrt{\sigma^2+\varepsilon}} + \beta",
    "Hidden": r"h = \max(0,\; x\,W_1 + b_1)",
    "Out": r"f(x) = h\,W_2 + b_2",
    "Logits": r"\ell = x\,W_u + b_u",
    "Probabilities": r"p = \mathrm{softmax}(\ell)",
}
PLUS_BACK = (
    r"\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y} + "
    r"\frac{\partial f}{\partial x}^{\top}\frac{\partial L}{\partial y},\qquad y = x + f(x)"
)
NORM_BACK = (
    r"\frac{\partial L}{\partial y} = \frac{1}{\sigma}\bigl(\gamma g - \overline{\gamma g}"
    r" - \hat{y}\,\overline{\gamma g\,\hat{y}}\bigr),\qquad g = \frac{\partial L}{\partial z}"
)
BATCH_NORM_BACK = r"\frac{\partial L}{\partial y} = \frac{\gamma}{\sigma}\,\frac{\partial L}{\partial z}"
HAND_ON = r"\frac{\partial L}{\partial f} = \frac{\partial L}{\partial y}\cdot 1,\qquad y = x + f"
BACKWARD = {
    "Queries": r"\frac{\partial L}{\partial Q} = \frac{\partial L}{\partial S}\,\frac{K}{\sqrt{d}}",
    "Keys": r"\frac{\partial L}{\partial K} = \frac{\partial L}{\partial S}^{\top}\,\frac{Q}{\sqrt{d}}",
    "Values": r"\frac{\partial L}{\partial V} = A^{\top}\,\frac{\partial L}{\partial H}",
    "Scores": (
        r"\frac{\partial L}{\partial s_{ij}} = a_{ij}\bigl(g_{ij} - \sum_k a_{ik}\,g_{ik}\bigr),"
        r"\qquad g = \frac{\partial L}{\partial A}"
    ),
    "Softmax": r"\frac{\partial L}{\partial A} = \frac{\partial L}{\partial H}\,V^{\top}",
    "Head": r"\frac{\partial L}{\partial H} = \frac{\partial L}{\partial O}\,W_o^{\top}",
    "Hidden": r"\frac{\partial L}{\partial h} = \frac{\partial L}{\partial f}\,W_2^{\top}",
    "Norm": r"\frac{\partial L}{\partial x} = \sum_j \frac{\partial L}{\partial u_j}\,W_j^{\top}",
    "Logits": r"\frac{\partial L}{\partial \ell} = p - y,\qquad L = -\log p_{\mathrm{label}}",
    "Probabilities": r"\frac{\partial L}{\partial p} = -\frac{y}{p},\qquad L = -\log p_{\mathrm{label}}",
}
FORMULAS = (*FORWARD.values(), *BACKWARD.values(), PLUS_BACK, NORM_BACK, BATCH_NORM_BACK, HAND_ON)
