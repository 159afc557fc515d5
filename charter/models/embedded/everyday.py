"""Everyday words that are right as they are, so that the speller leaves them alone."""

from charter.models.embedded.words import table

EVERYDAY = table(
    """
    able above across actually add after again age ago agree air all alone along always amount angry animal answer anyone apart
    apple area arm around arrive art aunt away baby back bad bag ball band bank bar base bath beach bean bear beat beautiful bed
    been beer before begin behind believe bell belong below belt best better between big bike bill bird birth bit black blood
    blow blue board boat body bone book boot born boss both bottle bottom bowl box boy brain brand bread break bring brother
    brown build burn bus busy butter button cake call calm camp car card care carry case cash cat catch cause cell chain chair
    chance change charge chat cheap check cheese child choose city class clean clear clever clock cloth cloud club coach coal
    coast coat code coffee coin cold color colour come common cook cool copy corn corner cost couch count country course cover
    cow cream cross crowd cry cup cut cycle dad dance dark data daughter dead deal dear death deep desk dead die dinner dirty
    dish dock doctor dog door double doubt down draw dream dress drink drive drop dry duck dust duty each ear early earn earth
    east easy eat edge egg eight either else email empty end engine enjoy enough equal error evening event every exam exit extra
    eye face fact fail fair fall family famous fan far farm fast fat father fear feed feel feet few field fight file fill film
    final find fine finger finish fire firm first fish fit five fix flag flat floor flow flower fly fold folk food fool foot
    force forest forget fork form four free fresh friend front fruit fuel full fun funny game garden gas gate gift girl glad
    glass goal gold gone good grass gray great green grey ground group grow guess guest guide gun guy hair half hall hand hang
    happen happy hard hate head hear heart heat heavy hello help hero hide high hill hire hit hold hole home hope horse host hot
    hour house huge human hundred hurt ice idea inside iron item job join joke joy judge juice jump keep key kick kid kill kind
    king kiss kitchen knee knife lady lake lamp land large last late later laugh law lay lead leaf learn least left leg less
    letter level lie life lift light like limit line lip lips listen little live load local lock long lose loss lost lot loud
    love low luck lunch machine main mail man many map mark match mate meal mean meat meet melt men mess metal mile milk mind
    mine minute miss mix mobile model moment money moon more morning most mother mouth move movie much mud music nail name
    narrow near neck need never new news nice night nine noise none noon north nose nothing notice number nurse ocean odd
    office often oil old once one open orange other outside oven own owner page pain paint pair pants paper park part party
    pass past path peace pen pencil people phone photo pick piece pink pipe place plan plane plant plate play plenty plus point
    pool poor post pot pound power press pretty price prize proud pull pump pure push queen quick quiet quite race rain raise
    range rate rather raw reach read ready real reason red rent rest rice rich ride right ring rise river road rock role roll
    roof room root rope rose round row rule run rush sad safe sail salt same sand save say scale school screen sea seat second
    seed seem sell send sense sent serve set seven shake shape share sharp sheep sheet shelf ship shirt shoe shoot shop short
    shot shout shower shut side sight sign silver simple since sing single sink sister sit size skin skirt sky sleep slow small
    smart smell smile smoke snow soap sock soft soil sold some son song soon sort sound soup south space speak speed spell spend
    spoon sport spot spring stage stand star start state stay steal steam steel step stick still stone stop store storm story
    straight strange street strong student such sugar suit summer sun sure sweet swim table tail tall tank tape task taste tax
    tea teach team tear tell ten tent term test text than thank that their them then there they thick thin third thirst throw
    tie tight till time tiny tip tired title toe told tone took tool tooth top total touch tour toward town toy track trade
    train travel tree trip trouble truck true trust try tube turn twice two type uncle under unit use used user usual very view
    visit voice wait wake walk wall war warm wash watch water wave way weak wear weather wed weight well went west wet wheel
    while white whole wide wife wild win wind window wine wing winter wire wise woman wonder wood word work world worry worse
    worst write wrong yard year yellow young zero
    aber alle alles alt amt apfel arm arzt auge außer auto bad bahn bald bank baum bein berg bett bier bild birne blatt blau
    blick blume boden brief brot bruder buch bunt bus butter dabei dach dame dann daten decke denn deutsch dick ding doch dorf
    drei dritten durch dünn ecke ehe ei eis eltern ende eng ente ernst erst erste essen etwa fahren fall falsch farbe fast feld
    fenster fest feuer fisch flasche fleisch flug fluss folge form frage frau frei fremd freund frisch früh fuß gabel ganz garten
    gast geben geld gelb genau gern geschenk gestern glas gleich glück gold gott grau groß grund grün gruppe gut haar halb hals
    hand haus haut hell hemd herr herz heute hilfe himmel hinter hof holz hose hotel hund hut idee immer insel jahr jahre jeder
    jetzt jung junge kaffee kalt karte kasse katze kein kind kinder kino kirche klar klein koch kopf korb kosten kraft krieg
    küche kuh kunde kunst kurz land lang laut leben leer lehrer leicht leise leute licht lied links loch luft lust macht mädchen
    mann markt maus meer mehr meist mensch messer milch minute mitte monat mond morgen mund musik mutter nacht nagel nah name
    nase natur nass neben neu neun nie noch norden nummer oben obst ofen ohne ohr onkel oper ort osten papier park pause pferd
    platz preis punkt rad rand rasch recht regen reich reise ring rock rosa rot rücken ruhe rund sache saft sagen salz sand satt
    schiff schlaf schlüssel schnee schnell schon schuh schule schwarz schwer sechs see sehr seife seit seite sieben sohn sommer
    sonne spaß spiel sprache stadt stark stein stelle stift stock straße stuhl stunde süden suppe süß tal tante tasche tasse
    teil telefon teller tief tier tisch tochter tot treppe trocken tür turm uhr unten unter vater vier vogel volk voll vor wald
    wand warm wasser weg weich wein weiß weit welt wenig wetter wind winter woche wohnung wolke wort wunsch zahl zahn zehn zeit
    zimmer zoll zucker zug zwei zwölf
    """
)
