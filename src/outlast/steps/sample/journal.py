"""The sample's journal and its README: Markdown in English, in Chinese, and in both.

The walk that the posts tell of is invented. A line that ends in a backslash goes on in the next:
Markdown would show a space at the break, and Chinese has none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from outlast.steps.sample import pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class _Post:
    """One post: the end of its file's name, its title, its languages, its picture, its text."""

    slug: str
    title: str
    language: str
    shows: str
    text: str


_POSTS = (
    _Post(
        slug="first-walk",
        title="The first walk",
        language="en",
        shows="Mountains behind mountains at sunrise",
        text="""\
We left the bus at the last stop and walked. There were five of us, with four pencils, two
notebooks, and a map that somebody's uncle had drawn from memory.

The plan fits on the back of a hand: go to every village in the valley, knock on every door, and
ask for one thing, the names of the children who did not come home from school that day. Nobody has
published them. At the county office we were told that the number is known, and that the number is
enough.

A number is not enough. A number can be rounded. It has no birthday, and nobody ever called it in
from the yard for supper.

We agreed on three rules before the first house. We ask, and never press. We write a name only when
someone who knew the child has spelled it for us, stroke by stroke. And what a family doesn't want
written down stays with the family.

By evening we had walked eleven kilometres and had no name yet. A dog followed us back to the road.
""",
    ),
    _Post(
        slug="second-door",
        title="第二扇门",
        language="zh",
        shows="夜里的村子，几扇窗还亮着",
        text="""\
第一扇门没有开。第二扇门开了一条缝，一位老奶奶问我们是谁派来的。我们说，\
没有人派我们来，我们只是想把孩子的名字写对。

她想了很久，让我们进屋，倒了两杯热水。墙上贴着一张奖状，名字已经褪色。\
她用手指在桌上一笔一画写给我们看：不是“雨水”的雨，是“给予”的予。\
村里的登记表上，这个字一直是错的。

我们记下五样：姓名、出生日期、学校、班级，还有是谁告诉我们的。\
最后一样只写在自己的本子上，不放进名册，也不放到网上。\
谁开的门，谁倒的水，不该有人因此被问话。

走的时候，老奶奶站在门口，又把名字念了一遍。她说，\
很久没有人大声问过这个名字了。

今天一共敲了十一扇门，开了四扇，记下六个名字。
""",
    ),
    _Post(
        slug="pencil",
        title="Pencil / 铅笔",
        language="en, zh",
        shows="Rain on a lake, a boat waits / 湖上下雨，一条船在等",
        text="""\
It has rained for six days. Ink runs and pencil doesn't, so now everyone carries pencils. A ferryman
took us across for nothing and waited under his mat roof until we were done. He said he had nowhere
to be that mattered more.

On the far side a father had kept his daughter's school bag on a nail by the door. He let us copy
the name from the inside of the flap. She had written it there herself, twice, the second time more
neatly.

---

雨下了六天。墨水会化开，铅笔不会，所以现在人人带铅笔。\
摆渡的师傅没有收钱，一直在篷子下面等我们办完事。\
他说，今天没有比这更要紧的地方要去。

对岸有一位父亲，把女儿的书包挂在门边的钉子上。\
名字写在书包盖的里面，是她自己写的，写了两遍，第二遍更工整。\
他让我们照着抄了下来。
""",
    ),
    _Post(
        slug="how-a-row-is-checked",
        title="How a row is checked",
        language="en",
        shows="A wall of paper slips under a lamp; one place is empty",
        text="""\
People ask how we know that the list is right. We don't know. We check, and then we check again.

Every name is collected twice, by two people who don't compare notes. If they agree, a slip goes up
on the wall. If they differ by a single stroke, someone walks back and asks.

The reading matters as much as the writing. The surname 单 is read Shàn, though the schoolbook reads
the character dān; 曾 is Zēng, and 解 is Xiè. A child who answered to Shàn at every roll call
shouldn't be called by somebody else's name now, so there is a column for it.

Two children may share a name. Two of ours went to neighbouring schools and were born in the same
spring, and a clerk had struck one of them out as a mistake. So a row gives the school and the class
as well. It never says who told us, nor where they live.

One slip is missing on the wall. We know the desk that she sat at, and nobody is left who can tell
us how she wrote her name. We keep the place free.
""",
    ),
    _Post(
        slug="the-page-is-gone",
        title="网页不见了",
        language="zh",
        shows="黄昏，一群鸟从芦苇丛里飞起来",
        text="""\
早上八点，名册的网页还在。九点，打开是一行小字：该内容无法查看。\
到了中午，连那行小字也没有了，好像从来没有人写过什么。

有人问我们难过吗。说实话，先是难过，后来是忙，因为电话一个接一个。\
外地的一位老师说，她上周打印了一份；一个学生说，他手机里有全部的图片；\
一位不认识的老人说，他抄在了挂历的背面，抄到了第一千二百个。

芦苇丛里一有响动，鸟就全飞起来，往各个方向飞。一只手抓不住一群鸟。

所以从今天起，名册不再只放在一个地方。每一份都一样，\
每一份都能查出有没有被人改动过。谁愿意留一份，就留一份；\
不方便留的人，不要勉强。也不要告诉别人是谁留了。

晚上我们对了一遍，一个名字也没有少。
""",
    ),
    _Post(
        slug="snow",
        title="雪 / Snow",
        language="zh, en",
        shows="雪地上的一行脚印 / Footprints in fresh snow",
        text="""\
第一场雪。我们在旧操场上念名字，一人念一页，念完交给下一个人。\
没有话筒，没有横幅，声音不大，风一吹就听不清。\
可是每念一个，雪地里就有人轻轻应一声“到”。

起初我们以为是家长。后来才知道，应声的是同一所学校的学生，\
如今已经长大了。他们是替同桌应的。

念了两个多小时，没有人先走。

---

First snow. We read the names on the old playground, a page each, then the next reader. There was no
microphone and no banner, and hardly any voice against the wind. But after each name someone in the
snow said "here", quietly, as one does at roll call.

At first we took them for parents. They were pupils of the same school, grown up by now, and each
was answering for the child who had shared their desk.

It took more than two hours. Nobody left early.
""",
    ),
    _Post(
        slug="lights",
        title="Lights / 灯",
        language="en, zh",
        shows="Paper lanterns on the water at night / 夜里水上的纸灯",
        text="""\
The film is finished. It is short, and there is no face in it and no voice: we had promised that to
the people who let us in. There is a lake, a house with one lit window, and a light for each name in
the register. The first ones come slowly, as they did for us.

On the last evening the villages put paper lanterns on the water. Nobody had arranged it.

If you have this folder, you hold all of it: the film, the register, these pages. Please make a copy
for somebody.

---

片子剪完了。很短，没有人脸，也没有人声，这是我们答应过开门的人的。\
只有一片湖，一座亮着一扇窗的房子，名册上每个名字是一盏灯。\
开头亮得很慢，我们当时也是这样。

最后一晚，几个村子的人把纸灯放到水上，没有人组织。

这个文件夹里就是全部：片子、名册、这些日记。请你抄一份，交给另一个人。
""",
    ),
)

_README = """\
# The Names / 名字

A sample work for `outlast`: small, but with all that a real one has. Everything in it is invented:
the valley, the schools, the walk and the children. If a name in it is also somebody's, that is
chance.

- `film/`: a film of {seconds} seconds without words, with English and Chinese subtitles. One light
  appears for each name in the register.
- `register/names.csv`: a register of {names} names, with their reading in pinyin, date of birth,
  age, school and class.
- `journal/`: the diary of the people who walked from door to door to collect them.

Everything is in plain files which need no special program. Copy them, change them, pass them on.

---

这是 `outlast` 的一个示例作品：很小，但真正的作品该有的它都有。\
里面的一切都是虚构的：山谷、学校、走访和孩子。如有同名，纯属巧合。

- `film/`：一部 {seconds} 秒的短片，没有旁白，配中英文字幕。名册上每有一个名字，就亮起一盏灯。
- `register/names.csv`：一份 {names} 个名字的名册，有拼音、出生日期、年龄、学校和班级。
- `journal/`：挨家挨户收集这些名字的人写的日记。

全部是普通文件，不需要专门的软件。请复制，请修改，请传下去。
"""


def write_readme(path: Path, seconds: int, names: int) -> None:
    """Write to `path` what the folder is, with the film's `seconds` and the number of `names`."""
    text = _README.format(seconds=seconds, names=f"{names:,}")
    path.write_text(text, encoding="utf-8", newline="\n")


def write_journal(folder: Path, tell: Callable[[float], None]) -> None:
    """Write the posts to `folder`, which exists, and their pictures to its folder `pictures`.

    `tell` is called with the share that is done, from 0 to 1.
    """
    for number, post in enumerate(_POSTS, start=1):
        page = (
            f"---\ntitle: {post.title}\nlanguage: {post.language}\n---\n\n# {post.title}\n\n"
            f"![{post.shows}](pictures/{number:03}.jpg)\n\n{post.text}"
        )
        path = folder / f"{number:03}-{post.slug}.md"
        path.write_text(page, encoding="utf-8", newline="\n")
    shown = folder / "pictures"
    shown.mkdir()
    pictures.write_pictures(shown, tell)
