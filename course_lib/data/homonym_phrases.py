"""What is said of six words with two meanings each: the material of the sentences in ``homonyms``."""

from typing import NamedTuple


class Meaning(NamedTuple):
    """A meaning of a word, and phrases that go with it and with no other meaning of that word."""

    word: str
    name: str  # no sentence has it
    before: tuple[str, ...]  # clauses that the word ends
    adjectives: tuple[str, ...]
    after: tuple[str, ...]  # what the word does


# What goes with any meaning of any word.
OPENINGS = ("", "they said that", "we heard that", "she wrote that", "it seems that", "everyone knew that")
DETERMINERS = ("the", "this", "one", "another")
TAILS = ("while we watched", "on that day", "once again", "before noon", "as usual")

MEANINGS = (
    Meaning(
        "bank",
        "shore",
        (
            "the boat drifted towards the",
            "reeds and willows grew along the",
            "we sat fishing on the",
            "the otter climbed up the",
            "the river washed over the",
        ),
        ("muddy", "grassy", "flooded", "overgrown"),
        (
            "was covered with reeds",
            "crumbled into the stream",
            "was under water after the rain",
            "sloped down to the river",
            "smelled of mud and fish",
        ),
    ),
    Meaning(
        "bank",
        "lender",
        (
            "she borrowed money from the",
            "he opened an account at the",
            "thieves robbed the",
            "we paid our debts to the",
            "the firm owed millions to the",
        ),
        ("wealthy", "bankrupt", "swiss", "national"),
        (
            "raised its interest rates",
            "lent us money for the house",
            "refused to give her a loan",
            "closed all its accounts",
            "paid interest on our savings",
        ),
    ),
    Meaning(
        "bat",
        "mammal",
        (
            "moths were eaten by the",
            "the cave was home to the",
            "the owl chased the",
            "insects fled from the",
            "in the attic hung the",
        ),
        ("furry", "sleeping", "hungry", "winged"),
        (
            "hung upside down in the cave",
            "flew out at dusk",
            "caught moths in the dark",
            "folded its wings",
            "slept all winter in the attic",
        ),
    ),
    Meaning(
        "bat",
        "club",
        (
            "the player swung the",
            "he hit the ball with the",
            "the team bought the",
            "the batter dropped the",
            "she scored a run with the",
        ),
        ("wooden", "heavy", "polished", "taped"),
        (
            "hit the ball over the fence",
            "was carved from ash",
            "broke when it met the ball",
            "belonged to the best player",
            "had a new leather grip",
        ),
    ),
    Meaning(
        "crane",
        "bird",
        (
            "in the marsh we saw the",
            "frogs were hiding from the",
            "the eggs were laid by the",
            "the flock followed the",
            "feathers were lost by the",
        ),
        ("white", "migrating", "graceful", "young"),
        (
            "spread its wings and flew south",
            "built a nest in the marsh",
            "stood in the water on one leg",
            "laid two eggs",
            "danced with its mate",
        ),
    ),
    Meaning(
        "crane",
        "machine",
        (
            "the steel beams were lifted by the",
            "the builders climbed up the",
            "the driver switched on the",
            "on the building site stood the",
            "the harbour unloaded ships with the",
        ),
        ("rusty", "hydraulic", "towering", "mobile"),
        (
            "lifted the steel beams",
            "swung its load over the building site",
            "unloaded the ship",
            "needed a stronger engine",
            "was driven from a small cabin",
        ),
    ),
    Meaning(
        "mouse",
        "rodent",
        (
            "the cat was chasing the",
            "cheese was stolen by the",
            "the trap caught the",
            "the owl swooped down on the",
            "a hole in the wall hid the",
        ),
        ("tiny", "grey", "frightened", "squeaking"),
        (
            "nibbled at the cheese",
            "ran back into its hole",
            "was caught by the cat",
            "squeaked in the cupboard",
            "raised its young in the straw",
        ),
    ),
    Meaning(
        "mouse",
        "device",
        (
            "she clicked twice with the",
            "the computer did not find the",
            "he plugged in the",
            "the screen froze when i moved the",
            "he bought a keyboard and the",
        ),
        ("wireless", "optical", "ergonomic", "plastic"),
        (
            "needed a new battery",
            "was plugged into the computer",
            "had two buttons and a wheel",
            "moved the arrow across the screen",
            "lay beside the keyboard",
        ),
    ),
    Meaning(
        "seal",
        "swimmer",
        (
            "the polar bear hunted the",
            "on the ice lay the",
            "the fish were eaten by the",
            "the zoo keeper fed the",
            "the waves carried the",
        ),
        ("playful", "spotted", "swimming", "fat"),
        (
            "dived under the ice",
            "barked on the rocks",
            "ate a bucket of herring",
            "balanced a ball on its nose",
            "swam after the fish",
        ),
    ),
    Meaning(
        "seal",
        "stamp",
        (
            "the letter was closed with the",
            "the king signed and pressed the",
            "hot wax was dripped under the",
            "the envelope bore the",
            "the notary certified it with the",
        ),
        ("official", "royal", "waxen", "forged"),
        (
            "was pressed into hot wax",
            "closed the envelope",
            "proved that the letter was genuine",
            "showed the arms of the king",
            "was broken by the clerk",
        ),
    ),
    Meaning(
        "spring",
        "source",
        (
            "cold water bubbled from the",
            "the hikers drank from the",
            "the brook began at the",
            "deer came to drink at the",
            "the well was fed by the",
        ),
        ("bubbling", "clear", "sulphurous", "mossy"),
        (
            "dried up in the drought",
            "fed a little brook",
            "gave the village clean water",
            "rose between the rocks",
            "was too hot to bathe in",
        ),
    ),
    Meaning(
        "spring",
        "coil",
        (
            "the weight stretched the",
            "the clockmaker wound up the",
            "inside the mattress he found the",
            "the valve was closed by the",
            "the force compressed the",
        ),
        ("metal", "tempered", "tight", "elastic"),
        (
            "snapped back into shape",
            "drove the old clock",
            "was stretched by the weight",
            "squeaked in the mattress",
            "stored the energy of the motor",
        ),
    ),
)
