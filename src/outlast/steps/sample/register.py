"""The sample's register: as many invented children as asked for, as a table of plain text (CSV).

Surnames, given names and schools are drawn from the lists below by a seeded generator, so the
register is the same on every machine. Nobody in it ever lived.
"""

import csv
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

COLUMNS = ("number", "name", "pinyin", "born", "age", "school", "class")
MOST = 100_000
"""The largest number of names: beyond it, drawing one which isn't taken yet would get slow."""

_SEED = 5_219
_DAY = date(2016, 11, 3)  # the day that `age` counts to; a school day on which nothing happened

# Reading, then how many in a thousand bear it, roughly. Several surnames are read differently from
# the same character elsewhere (单 dān, 曾 céng, 解 jiě, 仇 chóu, 查 chá, 区 qū, 盖 gài, 朴 pǔ,
# 任 rèn, 华 huá, 应 yìng, 燕 yàn, 尉 wèi, 令 lìng): the reading given is the surname's.
_SURNAMES = """
王 Wáng 70  李 Lǐ 68  张 Zhāng 62  刘 Liú 52  陈 Chén 46  杨 Yáng 34  黄 Huáng 24  赵 Zhào 22
周 Zhōu 22  吴 Wú 20  徐 Xú 16  孙 Sūn 15  朱 Zhū 13  马 Mǎ 13  胡 Hú 13  林 Lín 12
郭 Guō 12  何 Hé 12  高 Gāo 11  罗 Luó 11  郑 Zhèng 10  梁 Liáng 9  谢 Xiè 9  宋 Sòng 8
唐 Táng 8  许 Xǔ 7  邓 Dèng 7  冯 Féng 7  韩 Hán 6  曹 Cáo 6  曾 Zēng 6  彭 Péng 6
肖 Xiāo 6  蔡 Cài 5  潘 Pān 5  田 Tián 5  董 Dǒng 5  袁 Yuán 5  余 Yú 5  叶 Yè 5
蒋 Jiǎng 5  杜 Dù 4  苏 Sū 4  魏 Wèi 4  程 Chéng 4  吕 Lǚ 4  丁 Dīng 4  沈 Shěn 4
任 Rén 4  姚 Yáo 4  卢 Lú 4  傅 Fù 3  钟 Zhōng 3  蒲 Pú 3  葛 Gě 2  翟 Zhái 2
单 Shàn 2  解 Xiè 2  仇 Qiú 2  查 Zhā 2  华 Huà 2  区 Ōu 1  盖 Gě 1  朴 Piáo 1
冼 Xiǎn 1  褚 Chǔ 1  应 Yīng 1  燕 Yān 1  缪 Miào 1  欧阳 Ōuyáng 2  上官 Shàngguān 1
尉迟 Yùchí 1  令狐 Línghú 1  司徒 Sītú 1
"""

# A given name is one of the third list (one in eight), or one of the first and one of the second.
# Syllables that would join with a frequent surname to a well-known person's name are left out.
_FIRST = """
小 xiǎo  晓 xiǎo  思 sī  雨 yǔ  子 zǐ  梓 zǐ  文 wén  欣 xīn  诗 shī  若 ruò
春 chūn  秋 qiū  夏 xià  雪 xuě  玉 yù  志 zhì  浩 hào  宇 yǔ  泽 zé  承 chéng
景 jǐng  清 qīng  月 yuè  云 yún  星 xīng  静 jìng  芷 zhǐ  可 kě  忆 yì  亦 yì
安 ān  恩 ēn  心 xīn  永 yǒng  新 xīn  素 sù  念 niàn  以 yǐ  书 shū  青 qīng
采 cǎi  语 yǔ  慕 mù  怀 huái  映 yìng  望 wàng  听 tīng  向 xiàng
"""
_SECOND = """
涵 hán  瑶 yáo  怡 yí  悦 yuè  萱 xuān  敏 mǐn  慧 huì  芳 fāng  梅 méi  莲 lián
林 lín  峰 fēng  涛 tāo  杰 jié  凯 kǎi  辰 chén  阳 yáng  泉 quán  岩 yán  桦 huà
竹 zhú  荷 hé  霜 shuāng  曦 xī  然 rán  航 háng  翔 xiáng  远 yuǎn  诺 nuò  谣 yáo
歌 gē  墨 mò  帆 fān  舟 zhōu  禾 hé  苗 miáo  芽 yá  蕊 ruǐ  萍 píng  安 ān
桐 tóng  岸 àn  榆 yú  渔 yú  汐 xī  笛 dí  砚 yàn  弦 xián  棋 qí  穗 suì
暖 nuǎn  野 yě
"""
_SINGLE = """
苒 rǎn  昀 yún  禾 hé  恬 tián  朗 lǎng  澄 chéng  岚 lán  舟 zhōu  溪 xī  桐 tóng  棠 táng
葵 kuí  霁 jì  筱 xiǎo  遥 yáo  珂 kē  翎 líng  峥 zhēng  衡 héng  苗 miáo  芽 yá  蕊 ruǐ
"""

# (school, its first and last grade, classes in each grade)
_SCHOOLS = (
    ("云落镇中心小学", 1, 6, 4),
    ("听雨桥小学", 1, 6, 2),
    ("白鹭汀小学", 1, 6, 2),
    ("石笛村小学", 1, 6, 1),
    ("鹤眠坪小学", 1, 6, 1),
    ("灯坪希声小学", 1, 6, 2),
    ("松烟里实验小学", 1, 6, 3),
    ("晚渔渡小学", 1, 6, 1),
    ("霜桥九年制学校", 1, 9, 2),
    ("星渡中学", 7, 9, 6),
    ("砚溪中学", 7, 9, 5),
    ("云落镇初级中学", 7, 9, 8),
)
_DIGITS = "一二三四五六"


def _readings(text: str) -> tuple[tuple[str, str], ...]:
    """`"雨 yǔ  子 zǐ"` -> `(("雨", "yǔ"), ("子", "zǐ"))`."""
    words = text.split()
    return tuple(zip(words[::2], words[1::2], strict=True))


def _surnames() -> tuple[tuple[tuple[str, str], ...], tuple[int, ...]]:
    """Return the surnames with their readings, and how often each is drawn."""
    words = _SURNAMES.split()
    pairs = tuple(zip(words[::3], words[1::3], strict=True))
    return pairs, tuple(int(word) for word in words[2::3])


def _together(syllables: list[str]) -> str:
    """Join the syllables of a given name: `["zǐ", "ān"]` -> `"Zǐ'ān"`.

    ISO 7098 puts an apostrophe before a syllable that starts with a, e or o inside of a word.
    """
    word = syllables[0]
    for syllable in syllables[1:]:
        word += f"'{syllable}" if syllable[0] in "āáǎàēéěèōóǒò" else syllable
    return word[0].upper() + word[1:]


def _class(grade: int, section: int) -> str:
    """Return the name of a class: `(3, 2)` -> `"三年级2班"`, `(8, 1)` -> `"初二1班"`."""
    if grade <= 6:
        return f"{_DIGITS[grade - 1]}年级{section}班"
    return f"初{_DIGITS[grade - 7]}{section}班"


def _age(born: date) -> int:
    """Return the age in full years on the register's day."""
    return _DAY.year - born.year - ((_DAY.month, _DAY.day) < (born.month, born.day))


def write_register(path: Path, names: int, tell: Callable[[float], None]) -> None:
    """Write a register of `names` rows to `path`: UTF-8 CSV as RFC 4180 has it, with a header.

    `names` is 1 to `MOST`; `tell` is called with the share that is done, from 0 to 1.
    """
    rng = random.Random(_SEED)  # noqa: S311 - invented names, no secrets
    surnames, weights = _surnames()
    first, second, single = _readings(_FIRST), _readings(_SECOND), _readings(_SINGLE)
    # A school is drawn in proportion to its classes.
    sizes = [(last - start + 1) * sections for _, start, last, sections in _SCHOOLS]
    taken: set[tuple[str, str, str]] = set()
    with path.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out)  # its default is RFC 4180: commas, CRLF
        table.writerow(COLUMNS)
        while len(taken) < names:
            surname, reading = rng.choices(surnames, weights)[0]
            if rng.random() < 0.125:
                given = [rng.choice(single)]
            else:
                given = [rng.choice(first), rng.choice(second)]
            name = surname + "".join(character for character, _ in given)
            school, start, last, sections = rng.choices(_SCHOOLS, sizes)[0]
            grade = rng.randint(start, last)
            group = _class(grade, rng.randint(1, sections))
            # A grade's children were born in the school year that ends on 31 August.
            born = date(_DAY.year - 6 - grade, 9, 1) + timedelta(days=rng.randrange(365))
            if (name, school, group) in taken:
                continue
            taken.add((name, school, group))
            pinyin = f"{reading} {_together([syllable for _, syllable in given])}"
            table.writerow((len(taken), name, pinyin, born, _age(born), school, group))
            if len(taken) % 500 == 0:
                tell(len(taken) / names)
    tell(1.0)
