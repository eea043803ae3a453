"""A sentence cut into words or characters, and lines of numbers read as tokens. Imports no torch."""

from __future__ import annotations

import math
import re
import unicodedata

from engines.core.errors import LabError

MOST = 128  #: tokens that are shown at once
LARGEST = 1e6  #: of a typed number
JOINER = "\u200d"
HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
PIECE = re.compile(rf"[{HAN}]+|[^\W{HAN}]+(?:['’][^\W{HAN}]+)*|[^\w\s]")
SIGNS = str.maketrans({"−": "-", "，": ",", "；": ";", "。": "."})

#: Common words of more than one character: enough for sentences to play with; a space always ends a word.
_KNOWN = """
我们 你们 他们 她们 它们 自己 大家 别人 什么 怎么 为什么 哪里 这里 那里 这个 那个 这些 那些 一个 一只 一些
一样 一起 一直 今天 明天 昨天 现在 以前 以后 时候 时间 早上 晚上 中午 每天 后来 然后 因为 所以 但是 可是
如果 虽然 而且 或者 还是 不过 不是 没有 可以 可能 应该 必须 已经 正在 非常 特别 真的 喜欢 知道 觉得 看见
看到 听见 听到 认为 希望 需要 开始 结束 学习 学生 老师 学校 大学 同学 朋友 孩子 妈妈 爸爸 先生 女士 工作
生活 世界 中国 北京 上海 国家 城市 人们 小猫 小狗 老鼠 桌子 椅子 垫子 房子 苹果 面包 牛奶 咖啡 天气 太阳
月亮 星星 下雨 上面 下面 里面 外面 前面 后面 旁边 中间 跑步 吃饭 睡觉 喝水 看书 唱歌 跳舞 电脑 手机 电影
音乐 问题 答案 语言 句子 单词 文字 位置 顺序 机器 模型 网络 数据 计算 方法 注意力 注意 自注意力 神经网络
机器学习 深度学习 人工智能 翻译 编码 查询 序列 漂亮 高兴 快乐 美丽 重要 容易 困难 昨晚 追着 坐在
"""
HAN_WORDS = frozenset(_KNOWN.split())
LONGEST = max(map(len, HAN_WORDS))


def tokenize(text: str, characters: bool = False) -> list[str]:
    """Cut a sentence into tokens.

    Parameters
    ----------
    text : str
        Any Unicode text.
    characters : bool
        One token per character (a space counts as one); otherwise words and punctuation marks. Chinese, which has no
        spaces, is cut at the longest known word, otherwise after each character.

    Returns
    -------
    list of str
        Empty for a text without anything to see.
    """
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cs", "Co", "Cn"))
    if characters:
        return _characters(text)
    out: list[str] = []
    for found in PIECE.findall(text):
        out += _han_words(found) if re.match(f"[{HAN}]", found) else [found]
    return out


def _characters(text: str) -> list[str]:
    """Characters with the marks that belong to them."""
    out: list[str] = []
    for char in text:
        belongs = unicodedata.category(char) in ("Mn", "Mc", "Me", "Cf") or (out and out[-1].endswith(JOINER))
        if belongs and out:
            out[-1] += char
        else:
            out.append(char)
    return out


def _han_words(run: str) -> list[str]:
    """The longest known word at each place, otherwise one character."""
    out, at = [], 0
    while at < len(run):
        size = next((n for n in range(min(LONGEST, len(run) - at), 1, -1) if run[at : at + n] in HAN_WORDS), 1)
        out.append(run[at : at + size])
        at += size
    return out


def read_numbers(text: str, width: int) -> list[tuple[float, ...]]:
    """Tokens given as numbers: tokens end at ``;`` or a new line, their numbers are parted by spaces or commas.

    Without any ``;`` each number is a token of its own.

    Raises
    ------
    LabError
        Something is not a finite number, or a token has more numbers than ``width``.
    """
    text = text.translate(SIGNS)
    lines = re.split(r"[;\n]", text) if re.search(r"[;\n]", text) else text.replace(",", " ").split()
    tokens = []
    for line in lines:
        numbers = tuple(_number(word) for word in line.replace(",", " ").split())
        if len(numbers) > width:
            raise LabError("A token of {n} numbers does not fit a width of {width}.", n=len(numbers), width=width)
        if numbers:
            tokens.append(numbers)
    return tokens


def _number(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        raise LabError("{word} is not a number.", word=word[:20]) from None
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise LabError("{word} is not a number between −1,000,000 and 1,000,000.", word=word[:20])
    return value
