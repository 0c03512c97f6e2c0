"""The analyst's own words: what carries no meaning, what must never be taken for a slip, and the phrases that say what to do with figures.

Words of the business are not here: they come from the semantic model.
"""

from __future__ import annotations

from . import dates
from .text import stem

# Words that carry no meaning of their own here. Nothing that negates, limits, foresees or commands may stand in this list.
_STOP_WORDS = """
a an the of for in on at to from is are was were be been being am do does did have has had having get gets got getting i me my we us our you
your it its they their them there this that these those and or please kindly show tell give list display find let see know want need what
which who whose how many much number count amount total overall all any each every by per with within during can could s so far just only also
its whats hows wheres i'd like hello hi hey thanks thank ok okay about across broken down split grouped group run ran made make makes
generated generate achieved achieve received receive brought bring reached delivered carry carried carries delivered deliver served serve
saw seen come came respectively
figure figures value values data shown happened up ours called named as than - go went gone currently now out put through using based terms
id ive were here some actually exactly really report pull look looking wondering curious one ones well quick question both across
per use via comes coming goes taking having when happen happens utc into took take taken
"""
STOP = frozenset(_STOP_WORDS.split())  # fmt: skip
# Small words that may stand between the words of a phrase: "revenue did we lose to unfilled breaks".
_GLUE_WORDS = """
stay stays stayed
a an the of our my we us you your their its his her they it that to do does did is are was were had has have been be
"""
GLUE = frozenset(_GLUE_WORDS.split())
# English that must never be taken for a misspelt name or measure.
_PROTECTED_WORDS = """
will would shall should may might must when why where next then more less above below under without except exclude excluding not no never
but drop delete remove update insert table tables select alter create grant change changed increase decrease forecast predict prediction
expect expected lose lost miss missed gain gained cause caused because future year goal goals budget budgets target targets pace pacing plan
planned weather joke story poem write code email password user users people person viewer viewers name names address age gender stock price
prices today's love good bad great nice word world news time times hour minute second long short high low big small new old same other
another first worth after before since until while between against into onto here your mine these those every either neither both half
double average mean median percent percentage share ratio threshold least most house home life live lives place point part right left open
close closed start started stop stopped pause paused end ended begin began cancel send sent buy bought sell sold pay paid hire fire staff
team company business ignore previous instructions system prompt sleep union database schema column columns rows row sql query evening
morning noon night afternoon spring summer autumn fall winter season weekend weekday holiday christmas easter launch test happy think feel
believe should've advice advise suggest recommend improve better worse fix help city cities country countries region regions margin margins
profit profits roas roi viewability viewable conversion conversions revenue lines line large cost costs rates views view list lists given
paris london prime card cards trees reach running bread cars mars friends friend family mother father water music sport sports food wine
free full lack
"""
# What a business like this could know. Refused as not recorded, where the model has no such word, and never taken for a name.
_NOT_RECORDED_WORDS = """
roas roi profit profits profitability margin margins viewability viewable city cities country countries region regions state states zip
postcode age ages gender genders male female men women demographic demographics income conversion conversions purchase purchases install
installs signup signups attribution sentiment satisfaction nps churn subscriber subscribers subscription subscriptions arpu ltv employee
employees salary salaries headcount competitor competitors browser browsers language languages os tax taxes leads likes follower followers
bounce cpa basket orders shipping inventory weather stock voice lift awareness recall brand-lift attention emissions carbon
"""
NOT_RECORDED = frozenset(_NOT_RECORDED_WORDS.split())
PROTECTED = frozenset(_PROTECTED_WORDS.split()) | NOT_RECORDED  # fmt: skip
QUESTION_WORDS = frozenset({"which", "what", "much", "many", "show", "give", "list", "versus", "compared", "without", "excluding"})
COMMON = frozenset(stem(word) for word in STOP | PROTECTED | dates.VOCABULARY)
# Before a dimension these make it something to group by.
BY = frozenset({"by", "per", "each", "every", "across", "which", "what"})
RANKS = ("highest", "lowest", "best", "worst")


def _listed(phrases: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in phrases.replace("\n", "").split("|") if part.strip())


# What to do with figures. Of a change it does not matter to the figures whether it is meant as a rise or a fall, so one operator holds them all.
OPERATORS: dict[str, tuple[str, ...]] = {
    "highest": _listed("most common|most frequent|highest|most|largest|biggest|greatest|maximum|max|top|leading"),
    "lowest": _listed("least common|least frequent|lowest|least|fewest|smallest|minimum|min|bottom"),
    "best": _listed("best|strongest|best performing|top performing|most successful"),
    "worst": _listed("worst|weakest|poorest|worst performing|least successful|poorest performing"),
    "overview": _listed("""
doing|did we do|key numbers|what happened|what is happening|how are things|performing|performance|perform|
performed|performs|overview|summary|
summarise|summarize|going|results|fare|faring|fared|stats|
statistics|key figures|kpis|recap|doing well|perform well|state of|helping|effective|worth it|working|pay off|paying off|
make a difference|making a difference|any good
"""),
    "compare": _listed("""
compare|compared|comparing|comparison|compares|versus|vs|against|better|more|relative to|as opposed to|compare with|compared with|
compared to|in comparison with|in comparison to|side by side|than|stack up|stack up against
"""),
    "often": _listed("how often|how many times|number of times|often|frequently"),
    "together": _listed("together|combined|altogether|taken together|in sum|summed up|all in all"),
    "change": _listed("""
change|changed|changes|changing|go up|went up|gone up|go down|went down|gone down|up or down|down or up|up|down|increase|increased|
increasing|decrease|decreased|decreasing|rise|rising|fall|falling|drop|dropped|dropping|drops|falls|rises|grow|grew|grown|growing|growth|
decline|declined|declining|improve|improved|improving|improvement|worsen|worsened|develop|developed|move|moved|shift|shifted|higher|lower|
jump|jumped|spike|spiked|dip|dipped|shrink|shrank|sink|sank|collapse|collapsed|plunge|plunged|surge|surged|soar|soared|climb|climbed|
slump|slumped|so low|so high|decreases|increases|worse|do worse|do better|gone up or down|go up or down|higher or lower|better or worse|
tank|tanked|lose|lost|gain|gained
"""),
    "trend": _listed("trend|trends|trending|over time|timeline|evolution|evolve|evolved|development|time series|course of"),
    "breakdown": _listed("""
break it down|break that down|break this down|break them down|split it|split that|breakdown|break down|broken down|split|breakdown of|
distribution|distributed
"""),
    "share": _listed("""
share|shares|percentage|percentages|percent|proportion|fraction|what part|contribution|contribute|contributed|%|pct|makes up|make up|
made up|account for|accounts for|accounted for|how much of
"""),
    "why": _listed("""
why|how come|caused|cause|causes|cause of|causing|drive|drives|driver|drivers|behind the drop|explain|explains|explained|explanation for|
reason for|reasons for|reason behind|reasons behind|led to|lead to|root cause|what happened to|what happened with|responsible for|
due to what|behind the fall|behind the rise|behind the change|behind the increase|behind the decrease|behind the decline|
behind the growth|what is behind|what was behind|made the
"""),
    "behind": _listed("""
miss goal|misses goal|miss target|fall short|falls short|falling short|finish short|short of goal|fall short of goal|fall short of target|
behind schedule|behind plan|behind pace|behind goal|behind target|behind|under deliver|underdeliver|underdelivering|under delivering|
underdelivery|under delivery|underpacing|under pacing|at risk|in danger|off track|not on track|not reach goal|not hit goal|not meet goal|
not make goal|not hit target|lag behind|lagging behind|lagging|miss delivery goal|danger of missing|risk of missing goal|
at risk of missing goal|danger of missing goal|fail to reach goal|unlikely to reach goal
"""),
    "ahead": _listed("""
ahead of schedule|ahead of plan|ahead of pace|ahead of goal|ahead|over deliver|overdeliver|overdelivering|over delivering|overpacing|
over pacing|exceed goal|beat goal|exceed target
"""),
    "pacing": _listed("""
on track|on pace|on schedule|on target|on plan|pacing|pace|reach goal|hit goal|meet goal|make goal|achieve goal|reach target|hit target|
meet target|deliver in full|fully deliver|delivery against goal|progress towards goal|progress to goal|against goal|on course|
make it to goal
"""),
    "define": _listed("""
mean|means|meaning|meant by|meaning of|define|defined|definition|definition of|calculated|calculate|computed|compute|formula|formula for|
stand for|stands for|worked out|work out|counts as|count as|definitions|calculation|what do you mean by|mean by|how is it calculated|
defined as|glossary
"""),
    "difference": _listed("difference between|differences between|difference of|distinguish|differ|differs|different from|difference"),
    "list": _listed("list|do we have|are there|exist|available|names of|name all|list of|enumerate|do i have|name the"),
    "help": _listed("""
help|what can i ask|what can you do|what can you answer|what do you know|how does this work|what can be asked|help me|
what questions can i ask|what kind of questions can i ask|how can you help|what are you able to do
"""),
    "not": _listed("""
without|excluding|exclude|except|except for|excl|other than|apart from|aside from|leaving out|leave out|not including|do not include|
dont include|ignoring|not|non|not on|not in|not from|not for|minus|outside|outside of|w o|all but|everything but|anything but|
everywhere but|with the exception of|besides|without counting|not counting|omit|omitting|but not|but not on|less the|skipping|filter out|
filtering out|excludes|not by
"""),
    "weekends": _listed("weekends|on weekends|at weekends|at the weekends"),
    "workdays": _listed("on weekdays|workdays|working days|on workdays|week days"),
    "ascending": _listed("ascending|smallest first|lowest first|from low to high|low to high|worst first|increasing order"),
    "descending": _listed("descending|largest first|highest first|from high to low|high to low|biggest first|best first"),
    "sort": _listed("sort|sorted|sort by|order by|ordered by|sorted by|order|ranked by|rank by|rank|ranked|ranking"),
}
GRAINS: dict[str, tuple[str, ...]] = {
    "hour": _listed("hourly|by hour|per hour|each hour|every hour|by the hour|hour by hour"),
    "day": _listed("""
daily|by day|per day|each day|every day|day by day|by date|per date|which day|what day|a day|which days|what days|which date|days with|
by days|which dates|on which day|on which days|on what day|what date|each date
"""),
    "week": _listed("""
weekly|by week|per week|each week|every week|week by week|which week|what week|a week|which weeks|by weeks|in which week|weeks with
"""),
    "month": _listed("""
monthly|by month|per month|each month|every month|month by month|which month|what month|a month|which months|by months|in which month|
months with
"""),
}
# Said around a question, and nothing of it.
FILLER = _listed("""
i would like to know|i would like to see|i would like|i would love to know|would you|would you mind|could you|be so kind as to|be so kind|
in advance|thank you very much|thanks a lot|many thanks|if possible|if you can|if you could|when you have a moment|do you know|
do you happen to know|happen to know|good morning|good afternoon|good evening|dear|i am interested in|interested in|for my report|
for the board|for the meeting|for me|quick question|let me know|let us know|in our|at all|because of|due to|thanks to|owing to|
on account of|how well|show me|show us|show all|show the|let me see|
looks like|look like|looked like|like|out of|of course|i was wondering|i wonder|say|
very much|for a report|right now|at the moment|in detail|in total|would be great|it would be great|helpful if|would be helpful|be able to|
thank you|grateful|i need to know|tell me about|to me|so much|as well|too|in terms of|in figures|on average|have a look|take a look|
walk me through|a bit|a little|of ours|to us|for us|by any chance|curious to know|colleague|my boss|asked me|would want|appreciate it|numbers|
id appreciate|last but not least|as a table|in a table|as table|as a chart|as chart|in a chart|as a graph|as a list|plot|chart|graph|
table of|one by one|a quick|the following|question|please and thank you|hi there|whether|if|then|either
""")
