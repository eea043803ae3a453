"""The formulas of the page Why, with slots for what was measured; typeset by ``make formulas``."""

from __future__ import annotations

from engines.transformer.why.spec import (
    COLLAPSE,
    KERNEL,
    KEYS,
    MATRICES,
    ROTATION,
    SOFTMAX,
    SPHERE,
    STREAM,
    VARIANCE,
)

QUERY_BIAS = (
    r"\frac{(q+b)\cdot k_j}{\sqrt{d}} = \frac{q\cdot k_j}{\sqrt{d}} + \frac{b\cdot k_j}{\sqrt{d}}",
    r"s = [[score|−00.00]] \;\to\; [[moved_score|−000.00]] \qquad a = [[before|0.0000]] \;\to\; [[after|0.0000]]",
)  #: in place of the key's, where the noise is on the queries

TEX: dict[str, tuple[str, ...]] = {
    KEYS: (
        (
            r"\frac{q\cdot(k_j+b)}{\sqrt{d}} = \frac{q\cdot k_j}{\sqrt{d}} "
            r"+ \frac{q\cdot b}{\sqrt{d}},\qquad \frac{q\cdot b}{\sqrt{d}} = [[shift|−000.00]]"
        ),
        QUERY_BIAS[1],
    ),
    MATRICES: (
        (
            r"S_h = \frac{X\,W_Q^h W_K^{h\top}\,X^{\top}}{\sqrt{d}},\qquad Y ="
            r" \sum_h A_h\,X\,W_V^h W_O^h + b"
        ),
        (
            r"\mathrm{rank} = [[rank|000]] \le d = [[size|000]],"
            r"\qquad\frac{(\sum\sigma^2)^2}{\sum\sigma^4} = [[participation|000.0]]"
        ),
    ),
    STREAM: (
        (
            r"x_L = e + p + \sum_{l,h} A_{l,h}X_l W_{VO}^{l,h} + \sum_l \mathrm{FFN}_l,\qquad \ell_v ="
            r" w_v\cdot\mathrm{norm}(x_L)"
        ),
        (
            r"[[e|−00.00]] + [[heads|−00.00]] + [[ffn|−00.00]] + [[bias|−00.00]] ="
            r" [[sum|−00.00]] \approx \ell_v = [[logit|−00.00]]"
        ),
    ),
    COLLAPSE: (
        (
            r"r(X) = \frac{\lVert X - \mathbf{1}\,\bar{x}^{\top}\rVert}{\lVert X\rVert},"
            r"\qquad X \leftarrow A\,X\,W_{VO}"
        ),
        (
            r"r(X_0) = [[first|0.00]] \qquad r(X_{[[layers|00]]}) = [[last|0.0·10⁻⁰⁰]] "
            r"\qquad r(X_{[[layers2|00]]}^{x+f(x)}) = [[whole|0.00]]"
        ),
    ),
    SPHERE: (
        (
            r"z = \frac{x-\mu}{\sqrt{\sigma^2+\varepsilon}},\qquad \lVert z\rVert^2 ="
            r" E\,\frac{\sigma^2}{\sigma^2+\varepsilon}"
        ),
        (
            r"\lVert x\rVert = [[before|0000.00]] \;\to\; \lVert z\rVert = [[length|00.0000]] "
            r"\qquad \sqrt{E} = [[radius|00.0000]]"
        ),
    ),
    KERNEL: (
        (
            r"q\cdot k ="
            r" \frac{\lVert q\rVert^2+\lVert k\rVert^2-\lVert q-k\rVert^2}{2}"
            r"\;\Rightarrow\; e^{q\cdot k/\sqrt{d}} \propto e^{-\lVert q-k\rVert^2/2\sigma^2},"
            r"\quad \sigma^2=\sqrt{d}"
        ),
        (
            r"q\cdot k = [[product|−000.00]] \quad \lVert q-k\rVert^2 = [[distance|000.00]] \quad a ="
            r" [[weight|0.0000]] \quad K = [[kernel|0.0000]]"
        ),
    ),
    ROTATION: (
        (
            r"\begin{pmatrix}\sin\omega(t+k)\\ \cos\omega(t+k)\end{pmatrix} ="
            r"\begin{pmatrix}\cos\omega k & \sin\omega k\\ -\sin\omega k & \cos\omega k\end{pmatrix}"
            r"\begin{pmatrix}\sin\omega t\\ \cos\omega t\end{pmatrix}"
        ),
        (
            r"[[cos]]\times[[before_0]] + [[sin]]\times[[before_1]] = [[after_0]] "
            r"\qquad \mathrm{PE}(t+k)_0 = [[really]]"
        ),
    ),
    SOFTMAX: (
        (
            r"\frac{\partial a}{\partial s} = \mathrm{diag}(a) - a\,a^{\top},"
            r"\qquad \frac{\partial a_i}{\partial s_i} = a_i\,(1-a_i)"
        ),
        (
            r"[[top|0.0000]]\,(1-[[top2|0.0000]]) = [[own|0.0000]] \qquad \lVert J\rVert ="
            r" [[norm|0.0000]]"
        ),
    ),
    VARIANCE: (
        r"\mathrm{Var}(q\cdot k) = d \;\Rightarrow\; \mathrm{Var}\,\frac{q\cdot k}{\sqrt{d}} = 1",
        (
            r"\frac{\sigma(x_L)}{\sigma(x_0)} = [[deviation|0.0·10⁻⁰⁰]] "
            r"\qquad\frac{\lVert\partial\mathcal{L}/\partial x_0\rVert}{\lVert\partial\mathcal{L}/\partial x_L\rVert} "
            r"= [[gradients|0.0·10⁻⁰⁰]]"
        ),
    ),
}
FORMULAS = (*(tex for lines in TEX.values() for tex in lines), *QUERY_BIAS)
